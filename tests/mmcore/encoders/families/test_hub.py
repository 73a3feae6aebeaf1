"""Loading asks no hub, and says what is wrong with files as an error of settings."""

from __future__ import annotations

from errno import EIO

import pytest
import torch
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import OfflineModeIsEnabled

from mmcore.encoders.families.hub import loading, offline
from mmcore.errors import ConfigError, UnsafeWeightsError
from tests.hubs import Repository, hub


def test_nothing_is_asked_while_a_model_is_loaded():
    """Also where the hub's library was imported before; afterwards it works again."""
    assert not constants.HF_HUB_OFFLINE
    with hub() as server:
        server.repositories["owner/model"] = Repository("a" * 40, {"config.json": b"{}"})
        api = HfApi(endpoint=server.url)

        with offline(), offline(), pytest.raises(OfflineModeIsEnabled):
            api.model_info("owner/model", revision="main")

        assert server.asked == []
        assert api.model_info("owner/model", revision="main").sha == "a" * 40


@pytest.mark.parametrize("error", [OSError("no file"), ValueError("x"), FileNotFoundError(2, "x")])
def test_what_a_library_says_of_files_is_a_setting(tmp_path, error):
    """One line with the folder."""
    with pytest.raises(ConfigError, match=f"{tmp_path}: cannot be loaded"), loading(tmp_path):
        raise error


@pytest.mark.parametrize(
    "error",
    [OSError(EIO, "disk"), torch.OutOfMemoryError("full"), UnsafeWeightsError(".", "no")],
)
def test_other_errors_stay(tmp_path, error):
    """A disk may answer the second time, memory is asked for again, ours say it themselves."""
    with pytest.raises(type(error)) as caught, loading(tmp_path):
        raise error

    assert caught.value is error
