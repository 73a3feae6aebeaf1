"""Fetched weights are those that presets load."""

from __future__ import annotations

import pytest

from mmcore.encoders.fetching import Terms, fetch
from mmcore.encoders.presets import encoders_of
from mmcore.specs import RuntimeSpec, SegmentationSpec
from tests.checkpoints import checkpoint
from tests.hubs import Repository, hub

HUB = ("siglip2", "chinese-clip", "clip", "clap", "e5", "qwen3-embedding", "qwen3-vl-embedding")


@pytest.mark.parametrize("preset", HUB)
def test_all_that_decides_vectors_is_fetched(preset, tmp_path, monkeypatch):
    """A checkpoint has the same fingerprints fetched from a hub as where it was made."""
    made = checkpoint(preset)
    assert made is not None
    files = {
        path.relative_to(made).as_posix(): path.read_bytes()
        for path in made.rglob("*")
        if path.is_file()
    }
    with hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        others = {"modeling.py": b"pass", "README.md": b"---\nlicense: mit\n---\n"}
        server.repositories["made/model"] = Repository("a" * 40, files | others)

        found = fetch(preset, "made/model", Terms(tmp_path))

    assert found.path == tmp_path / "made" / "model"
    assert not list(found.path.rglob("*.py"))
    there = RuntimeSpec(weights=str(tmp_path), device="cpu")
    one = encoders_of(f"{preset}:made/model", SegmentationSpec(), there)
    other = encoders_of(f"{preset}:{made}", SegmentationSpec(), RuntimeSpec(device="cpu"))
    assert [e.key for e in one] == [e.key for e in other]
    assert {e.licence for e in one} == {"mit"}
