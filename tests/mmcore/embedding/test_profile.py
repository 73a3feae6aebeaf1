from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import torch

from mmcore.embedding import profile
from mmcore.embedding.embed import embed
from mmcore.embedding.profile import SHARDS, begin_anew, check_profile
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from tests.mmcore.embedding.perilous import GOOD

CUT = SegmentationSpec()


def told(path):
    """What a trace says, as chrome://tracing reads it."""
    return json.loads(gzip.decompress(path.read_bytes()))


@pytest.mark.parametrize("device", ["cpu", pytest.param("cpu,cpu", marks=pytest.mark.slow)])
def test_the_first_shards_are_traced(made, tmp_path, device):
    """One file a shard, named by encoder and shard, in processes of devices too."""
    runtime = RuntimeSpec(device=device, profile=str(tmp_path / "traces"))
    check_profile(runtime)
    shard = made(GOOD)
    embed(shard, CUT, runtime)
    (path,) = (tmp_path / "traces").iterdir()

    assert path.name == f"hash-image-{shard.shard.name}.json.gz"
    assert "traceEvents" in told(path)


def test_a_trace_that_cannot_be_written_costs_no_vector(made, tmp_path, monkeypatch, caplog):
    """The disk is full: the shard is finished, and the log says what is missing."""

    def full(self, path):
        Path(path).write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch.profiler.profile, "export_chrome_trace", full)
    (tmp_path / "traces").mkdir()
    found = embed(made(GOOD), CUT, RuntimeSpec(device="cpu", profile=str(tmp_path / "traces")))

    assert found.vectors.shape == (1, 16)
    assert "no trace was written" in caplog.text
    assert "No space left" in caplog.text
    assert not list((tmp_path / "traces").iterdir())


def test_traces_are_bounded(made, tmp_path):
    """So many of an encoder, and no more; the next run has its own."""
    runtime = RuntimeSpec(device="cpu", profile=str(tmp_path))
    traces = lambda: len(list(tmp_path.glob("*.json.gz")))  # noqa: E731
    for _ in range(SHARDS + 1):
        embed(made(GOOD), CUT, runtime)
    first = traces()
    begin_anew()
    embed(made(GOOD), CUT, runtime)

    assert (first, traces()) == (SHARDS, SHARDS + 1)


def test_no_trace_without_the_setting(made, monkeypatch):
    """Nothing is asked of the profiler."""
    monkeypatch.setattr(profile, "_trace", None)

    assert embed(made(GOOD), CUT, RuntimeSpec(device="cpu")).vectors.shape == (1, 16)


def test_a_folder_that_cannot_be_written_is_an_error_beforehand(tmp_path):
    """It names the folder and the setting."""
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"no trace can be written to .*file.*--profile"):
        check_profile(RuntimeSpec(profile=str(tmp_path / "file")))
