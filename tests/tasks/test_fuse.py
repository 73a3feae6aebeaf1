import numpy as np
import pytest

from mmcore.errors import ConfigError
from mmcore.fusion.base import fusion_of
from mmcore.fusion.learned import LEARNED
from mmcore.specs import FusionSpec, LimitsSpec, RuntimeSpec, SegmentationSpec
from storage import schemas
from storage.models import store_model
from storage.publication import publish
from storage.schemas import FUSED
from storage.snapshot import Snapshot
from storage.tables import read_parts
from storage.verification.verify import verify
from tasks.fuse import fuse
from tasks.fusing import Choice, check_trained, serving
from tasks.workplace import Workplace
from tests.factories import PROJECTION, candidate, small_lake
from tests.fusions import fusion_model

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


def stored(work, kind="mlp", version="f1", space="words/p1"):
    """A trained fusion in the lake, as a promotion hands it on."""
    files = fusion_model(kind, 6, space=space, version=version).to_files("card")
    store_model(work.lake, "fusion", version, files)
    return Choice(FusionSpec(name=kind), version, files)


def promoted(work, choice, spec=None):
    """A published snapshot that is fused by ``choice``."""
    specs = {"fusion": (spec or FusionSpec()).model_dump()}
    manifest = fuse.fn(unfused(work, specs=specs), FusionSpec(), work, None, choice).manifest
    return Snapshot.of(work.lake, publish(work.lake, manifest))


@pytest.mark.parametrize("kind", LEARNED)
def test_a_promoted_fusion_stays_in_later_runs(work, kind):
    """``auto`` takes the one that serves, keeps its rows, and names its model's files."""
    published = promoted(work, stored(work, kind))

    done = fuse.fn(unfused(work, (*KEYS, "fox")), FusionSpec(), work, published)

    told = done.manifest.fusion
    assert (told.name, told.version, told.space, told.dim) == (kind, "f1", "words/p1", 6)
    assert (done.fused, done.items) == (1, 4)
    assert done.manifest.paths("models/fusion") == published.manifest.paths("models/fusion")
    assert len(done.manifest.paths("models/fusion/f1")) == 3
    assert verify(work.lake, done.manifest).findings == ()


def test_a_trained_fusion_fuses_otherwise_than_the_mean(work):
    """The vectors are those of its network, and the weights that it gave are in the rows."""
    rows = rows_of(work, promoted(work, stored(work)).manifest)
    plain = rows_of(work, fuse.fn(unfused(work), FusionSpec(), work, None).manifest)

    for item, row in rows.items():
        assert not np.allclose(row["vector"], plain[item]["vector"], atol=1e-3)
        assert row["weight_image"] + row["weight_text"] == pytest.approx(1)


def test_rows_of_another_version_are_made_again(work):
    """Also where two versions have the same numbers: rows are by the very same fusion."""
    published = promoted(work, stored(work))
    done = fuse.fn(unfused(work), FusionSpec(), work, published, stored(work, version="f2"))

    assert (done.fused, done.items, done.manifest.fusion.version) == (3, 3, "f2")
    assert [p for p in done.manifest.paths("models/fusion") if "/f1/" in p] == []


def test_a_fusion_of_another_space_gives_way_to_the_mean(work, caplog):
    """A new projection has a new space: nothing is fused by what was trained in the old one."""
    published = promoted(work, stored(work, space="words/p1"))
    moved = PROJECTION.model_copy(update={"space": "words/p2", "version": "p2"})
    candidate_now = unfused(work)
    files = [
        f.model_copy(update={"path": f.path.replace("words-p1", "words-p2")})
        if f.path.startswith("spaces/")
        else f
        for f in candidate_now.files
    ]
    (work.lake.root / "spaces" / "words-p1").rename(work.lake.root / "spaces" / "words-p2")
    done = fuse.fn(
        candidate_now.model_copy(update={"projection": moved, "files": files}),
        FusionSpec(),
        work,
        published,
    )

    assert (done.manifest.fusion.name, done.manifest.fusion.version) == ("mean", None)
    assert done.manifest.paths("models/fusion") == []
    (warning,) = [r.getMessage() for r in caplog.records if "mmindex train" in r.getMessage()]
    assert "words/p1" in warning
    assert "words/p2" in warning


def test_promoted_weights_stay_in_later_runs(work):
    """They stand with the fusion; a run that names a fusion itself is no promotion."""
    weights = FusionSpec(name="weighted", weights={"image": 3.0})
    for spec, name in ((FusionSpec(), "weighted"), (weights, "mean")):
        published = promoted(work, Choice(weights), spec)
        done = fuse.fn(unfused(work), FusionSpec(), work, published)
        assert done.manifest.fusion.name == name
        expected = {"image": 3.0} if name == "weighted" else {}
        assert done.manifest.fusion.weights == expected


def test_a_named_fusion_wins_over_the_promoted_one(work):
    """A person's word counts; the trained model is not named any more."""
    done = fuse.fn(unfused(work), FusionSpec(name="sum"), work, promoted(work, stored(work)))

    assert (done.manifest.fusion.name, done.manifest.paths("models")) == ("sum", [])


@pytest.mark.parametrize("kind", LEARNED)
def test_a_learned_fusion_that_nobody_trained_is_refused(work, kind):
    """Before any work, with the command that trains one; where it serves it may be named."""
    for published in (None, publish_fused(work)):
        with pytest.raises(ConfigError, match="mmindex train"):
            check_trained(FusionSpec(name=kind), published)
        with pytest.raises(ConfigError, match="mmindex train"):
            fuse.fn(unfused(work), FusionSpec(name=kind), work, published)
    served = promoted(work, stored(work, kind))
    check_trained(FusionSpec(name=kind), served)
    done = fuse.fn(unfused(work), FusionSpec(name=kind), work, served)
    assert (done.fused, done.manifest.fusion.version) == (0, "f1")


def test_concatenated_vectors_have_a_space_of_their_own(work):
    """Their folder, their length and the manifest say so; what is unchanged keeps its row."""
    manifest = fuse.fn(unfused(work), FusionSpec(name="concat"), work, None).manifest
    published = Snapshot.of(work.lake, publish(work.lake, manifest))
    again = fuse.fn(unfused(work), FusionSpec(name="concat"), work, published)

    assert (manifest.fusion.space, manifest.fusion.dim) == ("words/p1/concat", 24)
    assert published.fused()[1].shape == (3, 24)
    assert verify(work.lake, published.manifest).findings == ()
    assert (again.fused, again.items) == (0, 3)


def test_a_snapshot_says_by_what_it_is_fused(work):
    """The very fusion can be made again of it: with its model, or its weights."""
    published = promoted(work, stored(work))
    choice = serving(published)

    assert (choice.spec.name, choice.version) == ("mlp", "f1")
    made = fusion_of(choice.spec, choice.files)
    assert made.fingerprint == published.manifest.fusion.fingerprint
