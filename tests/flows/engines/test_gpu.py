"""The slot of Prefect's limit on GPUs: a picture for people, and never in the way."""

from contextlib import contextmanager

import httpx
import pytest

from flows.engines import gpu


@contextmanager
def refusing(*_, **__):
    """A server that is gone before a slot was taken."""
    raise httpx.ConnectError("refused")
    yield


@contextmanager
def forgetting(*_, **__):
    """One that goes away while the slot is held."""
    yield
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize("server", [refusing, forgetting])
def test_a_server_that_goes_away_keeps_nobody_from_the_gpu(monkeypatch, caplog, server):
    """The block runs to its end; that Prefect has no slot is a warning."""
    monkeypatch.setattr(gpu, "concurrency", server)
    done = []
    with gpu._slot():
        done.append(1)

    assert done == [1]
    assert "mmindex-gpu" in caplog.text


def test_an_error_of_the_work_is_its_own(monkeypatch):
    """It is not taken for the server's."""
    monkeypatch.setattr(gpu, "concurrency", forgetting)
    with pytest.raises(ZeroDivisionError), gpu._slot():
        1 / 0  # noqa: B018
