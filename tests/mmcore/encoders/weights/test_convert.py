from __future__ import annotations

import hashlib
import pathlib
import zipfile

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from mmcore.encoders.weights.convert import convert
from mmcore.errors import ConfigError, UnsafeWeightsError


@pytest.fixture
def pickle(tmp_path):
    """A checkpoint with tied weights and a transposed tensor, as training programs save one."""
    tied = torch.arange(6.0).reshape(2, 3)
    state = {"head": tied, "embedding": tied, "turned": tied.T, "steps": torch.tensor(7)}
    path = tmp_path / "pytorch_model.bin"
    torch.save({"epoch": 3, "state_dict": state}, path)
    return path


def test_tensors_are_the_same_in_safetensors(pickle):
    """Shared and strided tensors come out whole; the hash of what was read is told."""
    found = convert(pickle)

    assert found.path == pickle.with_name("model.safetensors")
    assert found.tensors == 4
    assert found.sha256 == hashlib.sha256(pickle.read_bytes()).hexdigest()
    state = load_file(found.path)
    assert state["head"].tolist() == state["embedding"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert state["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    with safe_open(found.path, "pt") as file:  # transformers asks for it
        assert file.metadata() == {"format": "pt"}


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("open_clip_pytorch_model.bin", "open_clip_model.safetensors"),
        ("resnet18-5c106cde.pth", "resnet18-5c106cde.safetensors"),
    ],
)
def test_what_is_made_has_the_name_that_is_loaded(pickle, name, made):
    """Where a library looks for another name; else the file's own."""
    assert convert(pickle.rename(pickle.with_name(name))).path.name == made


def test_what_is_no_tensor_is_named(tmp_path):
    """A flat file may hold numbers beside its tensors: they are left out, and told."""
    torch.save({"weight": torch.ones(2), "version": 3}, tmp_path / "w.pt")

    assert convert(tmp_path / "w.pt").left_out == ("version",)


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


def test_code_is_refused_and_does_not_run(tmp_path):
    """A pickle that calls something is no file of tensors."""
    torch.save({"weight": torch.ones(2), "bomb": Bomb(tmp_path / "ran")}, tmp_path / "w.bin")

    with pytest.raises(UnsafeWeightsError, match="opens no such file safely") as caught:
        convert(tmp_path / "w.bin")

    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "w.safetensors").exists()


@pytest.mark.parametrize("data", [b"", b"no pickle at all", b"\x80\x02}q\x00."])
def test_what_is_no_file_of_tensors_is_refused(tmp_path, data):
    """A damaged file, and one without tensors, are an error of one line."""
    (tmp_path / "w.bin").write_bytes(data)

    with pytest.raises(UnsafeWeightsError):
        convert(tmp_path / "w.bin")


def test_a_cut_archive_is_refused(pickle):
    """A download that was cut off is no checkpoint."""
    pickle.write_bytes(pickle.read_bytes()[:-40])
    assert not zipfile.is_zipfile(pickle)

    with pytest.raises(UnsafeWeightsError):
        convert(pickle)


def test_nothing_is_overwritten_unless_told(pickle, tmp_path):
    """A file that is there stays, without --force."""
    target = tmp_path / "own.safetensors"
    target.write_bytes(b"mine")
    with pytest.raises(ConfigError, match="--force"):
        convert(pickle, target)
    assert target.read_bytes() == b"mine"

    convert(pickle, target, force=True)

    assert "head" in load_file(target)


def test_names_that_cannot_be(pickle, tmp_path):
    """A source that is not there, and a target that is no .safetensors."""
    with pytest.raises(ConfigError, match="no such file"):
        convert(tmp_path / "none.bin")
    with pytest.raises(ConfigError, match=r"ends with \.safetensors"):
        convert(pickle, tmp_path / "w.bin")


@pytest.mark.filterwarnings("ignore:Validating sparse")  # torch's, of one that we refuse then
@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"a": torch.zeros(1).expand(10**9)}, "repeat a few numbers"),
        ({"a": torch.eye(3).to_sparse()}, "sparse"),
        ({"a": torch.empty(3, device="meta")}, "no numbers"),
        ({1: torch.zeros(2), "1": torch.ones(2)}, "one text"),
    ],
)
def test_what_safetensors_cannot_hold_is_refused(tmp_path, state, why):
    """A small file that would take the memory is one sentence, not a killed program."""
    path = tmp_path / "odd.pt"
    torch.save(state, path)

    with pytest.raises(UnsafeWeightsError, match=why):
        convert(path)
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_is_told_to_open_a_pickle_unsafely(tmp_path):
    """Torch's own message advises it."""
    path = tmp_path / "code.pt"
    torch.save({"a": pathlib.PurePosixPath("x")}, path)

    with pytest.raises(UnsafeWeightsError) as caught:
        convert(path)
    assert "weights_only" not in str(caught.value)
