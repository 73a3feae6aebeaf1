import pytest

from mmcore.specs import FusionSpec, LimitsSpec, RuntimeSpec, SegmentationSpec
from storage import schemas
from storage.publication import publish
from storage.schemas import FUSED
from storage.snapshot import Snapshot
from storage.tables import read_parts
from tasks.fuse import fuse
from tasks.workplace import Workplace
from tests.factories import PROJECTION, candidate, small_lake

KEYS = ("cat", "狗", "owl")


@pytest.fixture
def work(tmp_path):
    """A lake whose items have a picture and a text in the shared space; its fusion is unknown."""
    layout = small_lake(tmp_path).layout
    return Workplace(layout, "embedded", SegmentationSpec(), LimitsSpec(), RuntimeSpec())


def unfused(work, keys=KEYS, **changes):
    """A candidate before it is fused."""
    whole = candidate(work.lake, keys)
    files = [file for file in whole.files if not file.path.startswith(f"{FUSED}/")]
    return whole.model_copy(update={"files": files, "fusion": None, "number": None, **changes})


def publish_fused(work):
    """A published snapshot of fused vectors."""
    manifest = fuse.fn(unfused(work), FusionSpec(), work, None).manifest
    return Snapshot.of(work.lake, publish(work.lake, manifest))


def rows_of(work, manifest):
    """Fused rows by item."""
    paths = [work.lake.root / path for path in manifest.paths(FUSED)]
    return {row["item_id"]: row for row in read_parts(paths).to_pylist()}


def test_a_first_run_fuses_every_item(work):
    """There is nothing that could be kept."""
    done = fuse.fn(unfused(work), FusionSpec(), work, None)

    assert (done.fused, done.items, str(done)) == (3, 3, "fused 3 of 3")
    assert rows_of(work, done.manifest).keys() == {schemas.item_id("media", k) for k in KEYS}


def test_an_item_of_the_same_segments_keeps_its_row(work, monkeypatch):
    """Only the item that is new is fused; of the others' segments no vector is read."""
    published, asked = publish_fused(work), []
    real = Snapshot.vectors
    monkeypatch.setattr(
        Snapshot, "vectors", lambda s, m, wanted: asked.append(len(wanted)) or real(s, m, wanted)
    )

    done = fuse.fn(unfused(work, (*KEYS[:2], "fox")), FusionSpec(), work, published)
    whole = fuse.fn(unfused(work, (*KEYS[:2], "fox")), FusionSpec(), work, None)

    assert (done.fused, done.items) == (1, 3)
    assert asked == [1, 1, 3, 3]
    assert done.manifest.paths(FUSED) == whole.manifest.paths(FUSED)  # named by their rows


def test_nothing_new_is_fused_where_nothing_changed(work):
    """The same files then, and no part is written."""
    published = publish_fused(work)

    done = fuse.fn(unfused(work), FusionSpec(), work, published)

    assert (done.fused, done.items) == (0, 3)
    assert done.manifest.paths(FUSED) == published.manifest.paths(FUSED)


def test_an_item_that_lost_a_segment_is_fused_again(work):
    """What an item was fused from is compared, not only which items there are."""
    published = publish_fused(work)
    one = unfused(work)
    other = unfused(work, KEYS[1:])
    texts = [f for f in one.files if not f.path.startswith("segments/text/")]
    texts += [f for f in other.files if f.path.startswith("segments/text/")]

    done = fuse.fn(one.model_copy(update={"files": texts}), FusionSpec(), work, published)

    cat = rows_of(work, done.manifest)[schemas.item_id("media", "cat")]
    assert (done.fused, done.items) == (1, 3)
    assert (cat["has_image"], cat["has_text"]) == (True, False)


@pytest.mark.parametrize(
    ("spec", "changes"),
    [
        (FusionSpec(), {"projection": PROJECTION.model_copy(update={"states": {"words": "x"}})}),
        (FusionSpec(name="product"), {}),
    ],
    ids=["projection", "fusion"],
)
def test_another_projection_or_fusion_fuses_everything(work, spec, changes):
    """Vectors of two origins never meet in one table."""
    done = fuse.fn(unfused(work, **changes), spec, work, publish_fused(work))

    assert (done.fused, done.items) == (3, 3)


def test_without_an_encoder_nothing_is_fused(work):
    """There is no space that items could have a vector in."""
    done = fuse.fn(unfused(work, projection=None, encoders=[]), FusionSpec(), work, None)

    assert (str(done), done.manifest.fusion) == ("nothing to fuse", None)
