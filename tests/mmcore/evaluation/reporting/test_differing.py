from datetime import UTC, datetime

from mmcore.evaluation.reporting.differing import differing
from storage.manifest import EncoderEntry, FusionEntry, Manifest
from storage.schemas import Modality


def manifest(**fields):
    """A manifest with an encoder, a fusion, settings and counts."""
    encoder = EncoderEntry(modality=Modality.TEXT, name="e5", fingerprint="ab", space="e5", dim=2)
    given = {
        "run": "r",
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
        "preset": "small",
        "encoders": [encoder],
        "fusion": fusion("mean"),
        "specs": {"fit": {"held_out": 0.2}, "fusion": {"name": "auto"}},
        "counts": {"items": 1000, "files": 3, "segments_image": 2, "rejected": 1},
    }
    return Manifest(**given | fields)


def fusion(name, fingerprint="01", **weights):
    """How items are fused."""
    return FusionEntry(name=name, fingerprint=fingerprint, space="e5", dim=2, weights=weights)


def told(**fields):
    """What differs in a manifest with these fields, as (what, name, before, after)."""
    found = differing(manifest(), manifest(**fields))
    return [(one.what, one.name, one.before, one.after) for one in found]


def test_equal_manifests_differ_in_nothing():
    """Numbers, runs and files are no cause of a score."""
    assert told(number=4, run="other") == []


def test_weights_of_a_fusion_are_told():
    """They are what a person set; settings of the fusion are not told twice."""
    weighted = fusion("weighted", text=0.02, image=1.0)

    found = told(fusion=weighted, specs={"fit": {"held_out": 0.2}, "fusion": {"name": "weighted"}})

    assert found == [("fusion", "", "mean", "weighted: image 1, text 0.02")]


def test_a_fusion_of_another_fingerprint_is_told():
    """Though it is called the same and has the same weights."""
    assert told(fusion=fusion("mean", "02")) == [("fusion", "fingerprint", "01", "02")]


def test_all_that_makes_a_snapshot_is_looked_at():
    """Causes come first, numbers last; what is not there is empty."""
    found = told(
        preset="large",
        encoders=[],
        fusion=None,
        specs={"fit": {"held_out": 0.5}},
        counts={"items": 1001, "files": 3, "segments_image": 2, "rejected": 9},
        software={"faiss": "1.9"},
    )

    assert found == [
        ("preset", "", "small", "large"),
        ("encoder", "text e5", "ab", ""),
        ("fusion", "", "mean", ""),
        ("setting", "fit.held_out", "0.2", "0.5"),
        ("software", "faiss", "", "1.9"),
        ("count", "items", "1,000", "1,001"),
    ]
