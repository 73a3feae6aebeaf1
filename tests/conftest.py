"""What tests of all layers share: random numbers, Hypothesis' profile, a Prefect server.

Nothing is flushed to the disk: no test outlives the machine.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import settings

from flows.orchestration.orchestrator import set_defaults
from mmcore.processes.cores import cores
from mmcore.processes.process import threads
from tests import stores

AT_ONCE = 4  # processes of pytest-xdist at most: each grows to about 2 GB
SERVED = 300  # seconds for a test that may have to wait until a Prefect server has started

set_defaults()  # before a test module imports Prefect
os.environ["LC_ALL"] = "C.UTF-8"  # commands speak the locale's language: here English
os.fsync = lambda _: None

settings.register_profile(
    "deterministic", derandomize=True, max_examples=50, deadline=None, database=None
)
settings.load_profile("deterministic")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Of ``-n auto``: as many processes as cores, up to a number that memory is enough for."""
    return min(AT_ONCE, cores())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Sequence[object]) -> None:
    """The processes to come share the cores: libraries that start a thread a core wait long."""
    os.environ.update(threads(max(1, cores() // len(specs))))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """The collector rests while all is imported (a third of that time), and never looks at it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)
        gc.enable()


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Whoever uses the Prefect server has longer: on a busy machine it is slow to start."""
    for item in items:
        own = item.get_closest_marker("timeout")
        if own is None and "prefect_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(SERVED))


@pytest.fixture
def rng() -> np.random.Generator:
    """The same random numbers in each test and run."""
    return np.random.default_rng(0)


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged, whichever tests came before.

    Prefect sets logging up when it is first imported, and removes the handlers that it finds.
    """
    import prefect.main

    assert prefect.main
    return caplog


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """The URL of a Prefect server with a database of its own; takes seconds to start."""
    from prefect.settings import (
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        get_current_settings,
        temporary_settings,
    )
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=SERVED - 60),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),  # a second a flow
    ):
        url = get_current_settings().api.url
        assert url is not None
        yield url


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.Server]:
    """A real S3 server, whom the environment of all tests that use it names."""
    folder = tmp_path_factory.mktemp("s3")
    with stores.s3_server(folder) as server:
        settings = {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "MMINDEX_CACHE": str(folder / "cache"),
        }
        with stores.environment(**settings):
            yield server
            stores.forget_clients()
