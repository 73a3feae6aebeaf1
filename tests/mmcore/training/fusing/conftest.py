import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Networks as small as these lose time by threads, most of all beside other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
