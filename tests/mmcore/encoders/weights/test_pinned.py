from __future__ import annotations

import hashlib

import pytest
import torch

from mmcore.encoders.weights.pinned import load_state, package_file, pinned
from mmcore.errors import MissingExtraError, UnsafeWeightsError


def test_a_file_of_another_hash_is_not_opened(tmp_path):
    """The pinned sha256 decides; the error carries the path."""
    file = tmp_path / "weights.pth"
    file.write_bytes(b"other")

    with pytest.raises(UnsafeWeightsError) as caught:
        pinned(file, "0" * 64)
    assert caught.value.path == file


def test_a_missing_file_is_told(tmp_path):
    """No file, no weights."""
    with pytest.raises(UnsafeWeightsError, match="missing"):
        pinned(tmp_path / "none.pth", "0" * 64)


def test_a_state_dict_with_the_pinned_hash_is_read(tmp_path):
    """The tensors come back as they were saved."""
    file = tmp_path / "weights.pth"
    torch.save({"a": torch.arange(3)}, file)
    found = load_state(file, hashlib.sha256(file.read_bytes()).hexdigest())

    assert found["a"].tolist() == [0, 1, 2]


def test_a_package_that_is_missing_names_the_extra():
    """The error says what to install."""
    with pytest.raises(MissingExtraError, match="embedded") as caught:
        package_file("no_such_package_of_weights", "x")
    assert caught.value.extra == "embedded"
