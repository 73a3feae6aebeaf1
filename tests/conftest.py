"""What tests of all layers share: random numbers, Hypothesis' profile, a Prefect server."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

from flows.orchestrator import set_defaults
from tests import stores

set_defaults()  # before a test module imports Prefect

settings.register_profile(
    "deterministic", derandomize=True, max_examples=50, deadline=None, database=None
)
settings.load_profile("deterministic")


@pytest.fixture
def rng() -> np.random.Generator:
    """The same random numbers in each test and run."""
    return np.random.default_rng(0)


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
        prefect_test_harness(server_startup_timeout=90),
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
