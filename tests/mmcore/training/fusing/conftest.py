import pytest

from tests.threads import one_thread


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks as small as these lose time by threads, most of all beside other tests."""
    with one_thread():
        yield
