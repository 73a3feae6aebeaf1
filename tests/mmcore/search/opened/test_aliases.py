"""Tests of the roots of a snapshot."""

from dataclasses import replace

from mmcore.search.opened.aliases import aliases_of
from tests.factories import small_lake


def test_an_old_manifest_names_no_roots_but_its_files_do(tmp_path):
    """Whoever asks for the roots of a lake gets the same ones."""
    snapshot = small_lake(tmp_path, ["cat"])

    def of(sources):
        manifest = snapshot.manifest.model_copy(update={"sources": sources})
        return aliases_of(replace(snapshot, manifest=manifest))

    assert of({"z": "/z", "a": "/a"}) == ["z", "a"]
    assert of({}) == ["media"]
