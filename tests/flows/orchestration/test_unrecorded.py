"""What is told where the Prefect server goes away in the middle of a run."""

import logging

import httpx
import pytest

from flows.orchestration.unrecorded import UnrecordedError, said_once, telling
from mmcore.errors import PublicationBlockedError
from storage.layout import Layout

URL = "http://127.0.0.1:4200/api"


@pytest.fixture
def lake(tmp_path):
    """One whose snapshot 1 serves."""
    found = Layout(tmp_path)
    found.current.write_text("1\n")
    return found


def gone(url=URL):
    """What httpx raises of a server that is gone."""
    return httpx.ConnectError("refused", request=httpx.Request("POST", f"{url}/flow_runs/"))


def test_what_was_published_stands(lake):
    """One line says what serves now, and that the end was not recorded."""

    def publishing():
        lake.current.write_text("2\n")
        raise gone()

    with pytest.raises(UnrecordedError) as caught, telling(lake, URL):
        publishing()

    assert "snapshot 2 serves now, before it snapshot 1 did" in str(caught.value)
    assert "not recorded" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def test_that_nothing_came_of_it_is_said(lake):
    """What served serves on."""
    with pytest.raises(UnrecordedError, match="snapshot 1 serves as before;"), telling(lake, URL):
        raise gone()


def test_a_block_stays_a_block(lake):
    """Prefect could not record it; the person gets to read it, with its code."""
    blocked = PublicationBlockedError("run", 2, "it fell", "report.html")

    def recording():
        try:
            raise blocked
        except PublicationBlockedError:
            raise gone()  # noqa: B904 - as Prefect does it

    with pytest.raises(PublicationBlockedError) as caught, telling(lake, URL):
        recording()

    assert caught.value is blocked


@pytest.mark.parametrize(
    "error",
    [gone("http://elsewhere/api"), httpx.ConnectError("of nobody knows what"), OSError("a disk")],
)
def test_what_another_server_does_is_another_error(lake, error):
    """Only the Prefect server's requests are meant."""
    with pytest.raises(type(error)) as caught, telling(lake, URL):
        raise error

    assert caught.value is error


def test_prefect_says_once_that_it_is_gone(caplog):
    """Not for each event; what a service says of one, which holds all of the event, not at all."""
    with said_once():
        for _ in range(3):
            logging.getLogger("prefect.events.clients").warning("Unable to connect")
            logging.getLogger("prefect._internal.concurrency").error("X failed to process item Y")
    logging.getLogger("prefect.events.clients").warning("Unable to connect")

    assert [record.getMessage() for record in caplog.records] == ["Unable to connect"] * 2


def test_without_a_lake_status_is_named():
    """A command that knows none yet."""
    with pytest.raises(UnrecordedError, match="mmindex status"), telling(None, URL):
        raise gone()
