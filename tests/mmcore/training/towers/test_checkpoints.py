"""Checkpoints: one that is whole is there at any time, and what is damaged is told."""

from __future__ import annotations

import pytest
import torch

from mmcore.errors import ConfigError
from mmcore.training.loop.curves import Point
from mmcore.training.towers import checkpoints
from mmcore.training.towers.checkpoints import Checkpoint, read, remove, write


def checkpoint(epochs, identity="mine"):
    """After so many epochs; every tensor says how many."""
    weights = {"a.weight": torch.full((2, 3), float(epochs)), "b": torch.tensor(0.5)}
    points = tuple(Point(n, {"loss": 1 / 3 + n}) for n in range(1, epochs + 1))
    state = {"a.weight": {"step": torch.tensor(float(epochs)), "exp_avg": torch.ones(2, 3)}}
    return Checkpoint(identity, points, weights, {"b": torch.tensor(2.0)}, state)


def test_what_is_written_is_read(tmp_path):
    """To the last bit, names with points in them too; the one before is gone."""
    write(tmp_path / "c", checkpoint(1))
    write(tmp_path / "c", checkpoint(2))
    found, wanted = read(tmp_path / "c", "mine"), checkpoint(2)

    assert found.points == wanted.points
    for one, other in (
        (found.network, wanted.network),
        (found.best, wanted.best),
        (found.optimiser["a.weight"], wanted.optimiser["a.weight"]),
    ):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert len(list((tmp_path / "c").iterdir())) == 2


@pytest.mark.parametrize("at", ["tensors", "name"])
def test_a_crash_while_writing_leaves_the_one_before(tmp_path, monkeypatch, at):
    """Whichever of the two files was being written."""
    write(tmp_path / "c", checkpoint(1))

    def crash(*_, **__):
        raise OSError("no space left")

    if at == "tensors":
        monkeypatch.setattr(checkpoints, "save_file", crash)
    else:
        monkeypatch.setattr(checkpoints.json, "dumps", crash)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path / "c", checkpoint(2))

    assert len(read(tmp_path / "c", "mine").points) == 1


def test_none_is_none(tmp_path):
    """Nothing was begun, or it was removed."""
    assert read(tmp_path / "c", "mine") is None
    write(tmp_path / "c", checkpoint(1))
    remove(tmp_path / "c")
    assert read(tmp_path / "c", "mine") is None


def test_another_training_is_refused(tmp_path):
    """ConfigError says what to do."""
    write(tmp_path / "c", checkpoint(1, "other"))

    with pytest.raises(ConfigError, match="other settings"):
        read(tmp_path / "c", "mine")


def test_damage_is_told(tmp_path):
    """ConfigError names the folder."""
    write(tmp_path / "c", checkpoint(1))
    next((tmp_path / "c").glob("*.safetensors")).write_bytes(b"nothing")

    with pytest.raises(ConfigError, match="is damaged"):
        read(tmp_path / "c", "mine")
