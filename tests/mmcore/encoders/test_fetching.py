"""Fetched weights are those that presets load."""

from __future__ import annotations

import pytest

from mmcore.encoders.fetching import Terms, fetch
from mmcore.encoders.presets import encoders_of, presets
from mmcore.errors import ConfigError
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


@pytest.mark.parametrize("preset", ["e5", "siglip2", "qwen3-vl-embedding"])
def test_the_hubs_cache_has_the_fingerprints_of_what_is_fetched(preset, tmp_path, monkeypatch):
    """There lies the whole repository: what is not loaded does not count."""
    release = presets.get(preset).releases[0]
    files = {
        path.relative_to(checkpoint(preset)).as_posix(): path.read_bytes()
        for path in checkpoint(preset).rglob("*")
        if path.is_file()
    }
    files |= {"spare.safetensors": b"spare", "pytorch_model.bin": b"pickle"}
    if preset == "e5":
        files["chat_template.jinja"] = b"{{ hello }}"
    snapshot = tmp_path / "hub" / f"models--{release.id.replace('/', '--')}" / "snapshots"
    for name, data in files.items():
        path = snapshot / release.revision / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.repositories["made/model"] = Repository("a" * 40, files)
        fetch(preset, "made/model", Terms(tmp_path / "root"))

    there = RuntimeSpec(weights=str(tmp_path / "root"), device="cpu")
    fetched = encoders_of(f"{preset}:made/model", SegmentationSpec(), there)
    cached = encoders_of(preset, SegmentationSpec(), there)

    assert [one.key for one in fetched] == [one.key for one in cached]


def test_a_path_is_not_fetched(tmp_path):
    """An id is, whatever the folder of the run holds."""
    with pytest.raises(ConfigError, match="is a path"):
        fetch("e5", str(tmp_path))
