"""A model is replaced: its vectors are made beside the old ones, which serve until then."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from mmcore.embedding import here
from mmcore.encoders.projections import Projection
from mmcore.errors import ConfigError, GateFailedError
from mmcore.search.searcher import Searcher
from mmcore.specs import PlanSpec
from mmcore.types import Query
from storage.layout import Layout
from storage.manifest import read_manifest
from storage.models import load_model
from storage.publication import roll_back
from storage.published import current
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests import crashes, deaths, media
from tests.fakes import HashEncoder

TEXT, IMAGE = Modality.TEXT, Modality.IMAGE
COLOURS = ("red", "green", "blue", "white", "black", "pink", "navy", "olive", "plum", "teal")
MANY = {"plan": PlanSpec(min_shards=5)}


@pytest.fixture
def versions():
    """Of the encoders, by modality: change it, and the next run has another model."""
    return {TEXT: 1, IMAGE: 1}


@pytest.fixture
def index(monkeypatch, versions):
    """The flow index-media as a plain function."""
    return crashes.plain_index(monkeypatch, versions)


@pytest.fixture
def encoded(monkeypatch):
    """How many segments were embedded since it was last cleared, by encoder."""
    counts, embedding = Counter(), here.embed_prepared

    def counting(prepared, *rest):
        counts[prepared.shard.encoder.name] += prepared.count
        return embedding(prepared, *rest)

    monkeypatch.setattr(here, "embed_prepared", counting)
    return counts


@pytest.fixture
def place(tmp_path, index, encoded):
    """A folder of ten pictures with captions, and its lake, whose p1 joins both encoders."""
    folder, lake = tmp_path / "media", tmp_path / "lake"
    for colour in COLOURS:
        add(folder, colour)
    index(folder, lake)
    assert set(Snapshot.open(Layout(lake)).manifest.projection.states.values()) == {"fitted"}
    encoded.clear()
    return folder, lake


def add(folder, colour):
    """A picture of one colour, and its caption."""
    media.png(folder / f"{colour}.png", Image.new("RGB", (8, 8), colour))
    media.text(folder / f"{colour}.txt", f"A plain {colour} picture.")


def serving(lake):
    """The snapshot that serves, verified."""
    snapshot = Snapshot.open(Layout(lake))
    assert verify(snapshot.layout, snapshot.manifest).findings == ()
    return snapshot


def fingerprint(version):
    """Of the pictures' encoder."""
    return HashEncoder(IMAGE, version=version).key.fingerprint


def failing(*_):
    """An evaluation that cannot be done."""
    raise ConfigError("no score")


def projection_of(snapshot):
    """The projection that a snapshot uses."""
    manifest = snapshot.manifest
    files = load_model(snapshot.layout, manifest, "projection", manifest.projection.version)
    return Projection.from_files(files)


@pytest.mark.parametrize("changed", [[IMAGE], [TEXT], [TEXT, IMAGE]])
def test_only_what_the_new_model_reads_is_embedded_and_beside_the_old(
    changed, place, index, versions, encoded
):
    """No file that was published changes, and the old snapshot stays as sound as the new one."""
    folder, lake = place
    before = {path: path.read_bytes() for path in lake.rglob("*.parquet")}
    versions |= dict.fromkeys(changed, 2)

    result = index(folder, lake)

    assert (result.status, result.snapshot) == ("published", 2)
    assert encoded == {f"hash-{modality}": len(COLOURS) for modality in changed}
    assert before == {path: path.read_bytes() for path in before}
    layout = Layout(lake)
    for number in (1, 2):
        manifest = read_manifest(layout.snapshot(number) / "manifest.json")
        assert verify(layout, manifest).findings == ()


@pytest.mark.parametrize("changed", [[IMAGE], [TEXT], [TEXT, IMAGE]])
def test_vectors_of_two_fingerprints_never_meet(changed, place, index, versions):
    """Cells, projected and fused vectors and indexes of a snapshot come of one model each."""
    folder, lake = place
    old = serving(lake)
    versions |= dict.fromkeys(changed, 2)

    index(folder, lake)

    new = serving(lake)
    assert new.manifest.projection.space != old.manifest.projection.space
    assert new.manifest.fusion.space == new.manifest.projection.space
    for snapshot in (old, new):
        manifest = snapshot.manifest
        for encoder in manifest.encoders:
            own = snapshot.layout.embeddings(encoder.modality, encoder.name, encoder.fingerprint)
            assert manifest.paths(f"embeddings/{encoder.modality}") == manifest.paths(
                snapshot.layout.relative(own)
            )
        assert {i.space for i in manifest.indexes} == {manifest.projection.space}
        for modality in (TEXT, IMAGE):
            _, ids, vectors = snapshot.vectors(modality)
            found = snapshot.index(modality).vectors_of(ids)
            np.testing.assert_allclose(found, vectors, atol=1e-6)
    shared = {i.path for i in old.manifest.indexes} & {i.path for i in new.manifest.indexes}
    assert not shared


def test_heads_are_fitted_again_on_the_pairs_they_were_fitted_on(place, index, versions):
    """What was added since then waits for a training: a new model is not a new training set."""
    folder, lake = place
    before = projection_of(serving(lake))
    for colour in ("gold", "silver"):
        add(folder, colour)
    index(folder, lake)
    assert serving(lake).manifest.projection.version == before.version
    versions[IMAGE] = versions[TEXT] = 2

    index(folder, lake)

    after = projection_of(serving(lake))
    assert set(serving(lake).manifest.projection.states.values()) == {"fitted"}
    assert (after.version, after.fitted_on) == ("p2", before.fitted_on)


def test_a_half_done_migration_goes_on_where_it_ended(
    place, index, versions, encoded, monkeypatch
):
    """The run is killed in the middle: the old model serves, and the next run does the rest."""
    folder, lake = place
    before = crashes.contents_of(serving(lake))
    versions |= {TEXT: 2, IMAGE: 2}
    with monkeypatch.context() as patch, deaths.dying(patch, lake, at=40) as disk:
        index(folder, lake, **MANY)
    done = encoded.total()

    assert disk.dead
    assert 0 < done < 2 * len(COLOURS)
    assert crashes.differences(crashes.contents_of(serving(lake)), before) == (0, 0, 0)
    index(folder, lake, **MANY)
    shard = 2 * len(COLOURS) // 10
    assert 2 * len(COLOURS) <= encoded.total() <= 2 * len(COLOURS) + shard
    assert serving(lake).manifest.number == 2


def test_who_holds_the_old_snapshot_searches_it_throughout(place, index, versions, monkeypatch):
    """Before, while and after the new model is published, the same answers come from the old."""
    folder, lake = place
    searcher, query = Searcher.open(lake), Query(text="A plain teal picture.", k=3)
    expected, asked = searcher.search(query), []
    assert expected[0].key == "teal"
    versions |= {TEXT: 2, IMAGE: 2}

    def searching(then):
        def first(*arguments):
            asked.append(searcher.search(query))
            return then(*arguments)

        return first

    for name in ("embed_prepared", "turn_on"):  # before and while a shard is embedded
        monkeypatch.setattr(here, name, searching(getattr(here, name)))

    index(folder, lake, **MANY)

    assert len(asked) >= 10
    assert all(found == expected for found in [*asked, searcher.search(query)])
    assert serving(lake).manifest.number == 2


def test_a_failing_evaluation_leaves_the_old_model_serving(
    place, index, versions, encoded, monkeypatch
):
    """The candidate of the new model is kept aside; the next run only judges and publishes it."""
    folder, lake = place
    versions[IMAGE] = 2
    with monkeypatch.context() as patch:
        patch.setattr("tasks.measuring.outcomes", failing)
        with pytest.raises(GateFailedError):
            index(folder, lake)
    assert current(Layout(lake)) == 1
    assert serving(lake).manifest.encoder(IMAGE).fingerprint == fingerprint(1)
    encoded.clear()

    index(folder, lake)

    assert encoded.total() == 0
    assert serving(lake).manifest.encoder(IMAGE).fingerprint == fingerprint(2)


def test_the_way_back_embeds_nothing(place, index, versions, encoded):
    """After a rollback the old model goes on from its vectors, and the new one may come again."""
    folder, lake = place
    before = crashes.contents_of(serving(lake))
    versions |= {TEXT: 2, IMAGE: 2}
    index(folder, lake)
    later = crashes.contents_of(serving(lake))
    roll_back(Layout(lake), 1)
    encoded.clear()

    versions |= {TEXT: 1, IMAGE: 1}
    assert index(folder, lake).status == "unchanged"
    assert crashes.differences(crashes.contents_of(serving(lake)), before) == (0, 0, 0)
    versions |= {TEXT: 2, IMAGE: 2}
    assert index(folder, lake).status == "published"
    assert encoded.total() == 0
    assert crashes.differences(crashes.contents_of(serving(lake)), later) == (0, 0, 0)
