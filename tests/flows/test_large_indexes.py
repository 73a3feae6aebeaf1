"""Lakes whose indexes are chosen by measuring, updated, verified, mended and erased from."""

import logging
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from flows.config.maintain import MaintainConfig
from mmcore.errors import EvaluationError
from mmcore.specs import IndexSpec, StorageSpec
from storage.candidates import runs
from storage.errors import NothingFitsError, UnerasableError
from storage.indexes.card import CARD, CODES, DELTA, VECTORS, IndexCard, read_card
from storage.indexes.choosing.vectors_file import mapped_vectors
from storage.keys import lake_key
from storage.layout import Layout
from storage.locks import writer_lock
from storage.maintenance.garbage import Retention, collect, survey
from storage.manifest import sha256
from storage.places.atomic import write_bytes
from storage.places.place import children, place_of, read_now
from storage.schemas import Modality
from storage.snapshot import Snapshot, published
from storage.verification.verify import verify
from tasks.erasure.choose import choose
from tasks.erasure.erase import erase
from tests import media
from tests.crashes import dying, plain_index
from tests.fakes import HashEncoder

PICTURES = 40
CHUNKS = 25  # of each text
LOW = IndexSpec(exact_numbers=5000, recall=0.9, memory_mb=0.06, queries=100)
"""An index of a thousand texts is measured, and may not hold them; smaller ones are exact."""


def text(number, chunks=CHUNKS):
    """A text of so many chunks, all different."""
    return "\n\n".join(f"Part {part} of text {number}. " + "word " * 70 for part in range(chunks))


def add(folder, number):
    """A picture and a long text."""
    colour = (number * 5 % 256, number * 37 % 256, number * 91 % 256)
    media.png(folder / f"{number}.png", Image.new("RGB", (8, 8), colour))
    media.text(folder / f"{number}.txt", text(number))


def remove(folder, number):
    """Take a picture and its text away."""
    for ending in ("png", "txt"):
        (folder / f"{number}.{ending}").unlink()


def encoder(modality):
    """Makes an encoder of the space that texts and pictures share."""
    return lambda cut: HashEncoder(modality, space="joint", segmentation=cut)


@pytest.fixture
def index(monkeypatch):
    """`mmindex index` with a low threshold, as a plain call."""
    import flows.maintain  # noqa: F401 - its tasks are made plain too

    makers = {f"hash-{m}": encoder(m) for m in (Modality.TEXT, Modality.IMAGE)}
    run = plain_index(monkeypatch, makers=makers)

    def index(folder, lake, spec=LOW, **options):
        return run(folder, lake, index=spec, **options)

    return index


@pytest.fixture
def folder(tmp_path):
    """Pictures, each with a long text."""
    for number in range(PICTURES):
        add(tmp_path / "media", number)
    return tmp_path / "media"


@pytest.fixture
def lake(tmp_path, folder, index):
    """The lake of that folder."""
    assert index(folder, tmp_path / "lake").status == "published"
    return Layout(tmp_path / "lake")


def opened(lake):
    """The snapshot that serves, its entry of the index of texts, and its card."""
    snapshot = Snapshot.open(lake)
    entry = next(one for one in snapshot.manifest.indexes if one.modality == Modality.TEXT)
    return snapshot, entry, read_card(lake.root / entry.path / CARD)


def held(lake):
    """The ids that the index of texts answers with."""
    snapshot, entry, _ = opened(lake)
    return snapshot.opened(entry).held().tolist()


def live(lake):
    """The ids of the texts that are there."""
    return np.unique(Snapshot.open(lake).rows("segments/text")["segment_id"]).tolist()


def findings(lake):
    """What is wrong with the snapshot that serves."""
    return verify(lake, Snapshot.open(lake).manifest).findings


def test_a_large_index_is_chosen_by_real_queries(lake):
    """Texts are asked for by pictures; small indexes beside stay exact, and nothing asks them."""
    snapshot, _, card = opened(lake)
    others = [read_card(lake.root / one.path / CARD) for one in snapshot.manifest.indexes]

    assert card.type != "flat"
    assert (card.reached.asked, set(card.reached.by)) == ("queries", {"image"})
    assert card.reached.recall >= 0.9
    assert any(point.fits for point in card.tried)
    assert {one.reached for one in others if one.modality != Modality.TEXT} == {None}
    assert held(lake) == live(lake)
    assert findings(lake) == ()


def test_the_report_tells_what_was_tried(lake):
    """report.html has the table, the plot and what serves."""
    page = (lake.report("1") / "report.html").read_text("utf-8")

    assert "joint-text: what was tried" in page
    assert "<svg" in page


def test_a_change_updates_the_index(lake, folder, index):
    """The large files are those of before, and what went or came is right at once."""
    before = opened(lake)[1]
    add(folder, PICTURES)
    (folder / "3.txt").unlink()

    index(folder, lake.root)
    snapshot, entry, card = opened(lake)

    assert card.updates == 1
    assert held(lake) == live(lake)
    old, new = lake.root / before.path / VECTORS, lake.root / entry.path / VECTORS
    assert old.samefile(new)
    sums = {file.path: file.sha256 for file in snapshot.manifest.files}
    assert sums[f"{entry.path}/{VECTORS}"] == sha256(new)
    assert findings(lake) == ()
    assert not list(lake.staging.glob("*"))


def test_a_search_finds_what_came_and_nothing_that_went(lake, folder, index):
    """By the exact vector of a new text it comes first; one that went does not come."""
    snapshot = Snapshot.open(lake)
    rows = snapshot.rows("segments/text", ["segment_id", "text"]).to_pylist()
    gone = [row["segment_id"] for row in rows if "of text 3." in row["text"]]
    lost = snapshot.vectors(Modality.TEXT, np.array(gone))[2]
    (folder / "3.txt").unlink()
    add(folder, PICTURES)
    index(folder, lake.root)

    snapshot, entry, _ = opened(lake)
    rows = snapshot.rows("segments/text", ["segment_id", "text"]).to_pylist()
    came = sorted(row["segment_id"] for row in rows if f"of text {PICTURES}." in row["text"])
    _, ids, vectors = snapshot.vectors(Modality.TEXT, np.array(came))
    search = snapshot.opened(entry).search

    assert len(gone) == len(came) == CHUNKS
    assert np.array_equal(search(vectors, 1)[1][:, 0], ids)
    assert not np.isin(search(lost, 20)[1], gone).any()


def test_a_build_says_which_index_it_is(folder, index, tmp_path, caplog):
    """Its kinds are told after it."""
    caplog.set_level(logging.INFO)
    index(folder, tmp_path / "told")

    assert "the index joint-text: 1000 rows; kinds are built and measured" in caplog.messages


def test_nothing_fits_publishes_nothing(lake, folder, index):
    """A budget that no kind keeps stops the run; what serves goes on, and no work is lost."""
    served, cells = Snapshot.open(lake).manifest, list(lake.root.glob("embeddings/**/*.parquet"))
    add(folder, PICTURES)
    narrow = LOW.model_copy(update={"memory_mb": 0.001})

    with pytest.raises(NothingFitsError) as told:
        index(folder, lake.root, narrow)

    assert told.value.exit_code == 9
    assert told.value.tried
    assert told.value.name in {entry.name for entry in served.indexes}
    assert f"no index over {told.value.name} reaches" in str(told.value)
    assert Snapshot.open(lake).manifest == served
    assert len(list(lake.root.glob("embeddings/**/*.parquet"))) > len(cells)
    assert not list(lake.staging.glob("*"))
    assert index(folder, lake.root).new == {"hash-text": 0, "hash-image": 0}


def test_a_finished_build_outlives_a_run_that_fails(lake, folder, index, monkeypatch):
    """What was built and not published is found again by the next run, and not built twice."""
    from flows import index_media
    from tasks import index_builds

    add(folder, PICTURES)
    built = []
    for name in ("built", "updated"):
        call = getattr(index_builds, name)
        monkeypatch.setattr(
            index_builds, name, lambda *a, c=call, n=name: built.append(n) or c(*a)
        )
    with monkeypatch.context() as patch:
        patch.setattr(index_media, "propose_candidate", failing)
        with pytest.raises(EvaluationError):
            index(folder, lake.root)
    first = list(built)
    index(folder, lake.root)

    assert first == built == ["updated"]
    assert held(lake) == live(lake)


def failing(*_):
    """A stage that cannot be done."""
    raise EvaluationError("it cannot be scored")


def test_another_goal_is_another_index(lake, folder, index):
    """A run that is told another recall builds anew, though no file changed."""
    before = opened(lake)[1].path
    index(folder, lake.root, LOW.model_copy(update={"recall": 0.95}))

    assert opened(lake)[1].path != before
    assert opened(lake)[2].updates == 0


def test_a_small_lake_asks_nothing(folder, index, tmp_path, monkeypatch):
    """Below the threshold no query is made, and the index is the plain one."""
    from tasks.index_questions import IndexQuestions

    monkeypatch.setattr(IndexQuestions, "of", failing)
    index(folder, tmp_path / "small", IndexSpec())
    _, _, card = opened(Layout(tmp_path / "small"))

    assert (card.type, card.files, card.reached) == ("flat", (CODES,), None)


@pytest.mark.parametrize("name", [CODES, VECTORS, CARD])
def test_a_damaged_file_is_set_aside_with_its_index(lake, folder, index, name):
    """All files of the index are renamed, and it is built again."""
    before = opened(lake)[1]
    path = lake.root / before.path / name
    path.write_bytes(path.read_bytes()[:-9])

    told = index(folder, lake.root)

    aside = {one.rpartition("/")[2] for one in told.set_aside}
    assert {CODES, VECTORS, CARD} <= aside
    assert held(lake) == live(lake)
    assert findings(lake) == ()


def test_an_index_that_cannot_be_updated_is_made_again(lake, folder, index):
    """Damage that the update meets, in a file of the right size, is set aside in the same run."""
    path = lake.root / opened(lake)[1].path / CODES
    path.write_bytes(bytes(path.stat().st_size))
    add(folder, PICTURES)

    told = index(folder, lake.root)

    assert lake.relative(path) in told.set_aside
    assert opened(lake)[2].updates == 0
    assert held(lake) == live(lake)
    assert findings(lake) == ()


def test_a_flipped_byte_is_found_in_a_file_that_was_shared(lake, folder, index):
    """An update takes the checksum of before with the file: damage does not pass as right."""
    before = opened(lake)[1]
    path = lake.root / before.path / VECTORS
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(bytes(data))
    add(folder, PICTURES)
    index(folder, lake.root)

    entry = opened(lake)[1]
    assert (f"{entry.path}/{VECTORS}", "has another checksum") in {
        (one.path, one.why) for one in findings(lake)
    }


def spoiled(path, place):
    """Flip a bit of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 0x80
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("name", [VECTORS, DELTA])
def test_damage_is_not_copied_into_an_index_that_passes_as_sound(lake, folder, index, name):
    """A vector that was damaged since is not folded, nor its delta continued: it is made again."""
    add(folder, PICTURES)
    index(folder, lake.root)
    path = lake.root / opened(lake)[1].path / name
    spoiled(path, 85)
    for number in range(3, 8) if name == VECTORS else ():
        remove(folder, number)
    add(folder, PICTURES + 1)

    told = index(folder, lake.root)

    snapshot, entry, _ = opened(lake)
    assert lake.relative(path) in told.set_aside
    assert findings(lake) == ()
    _, ids, vectors = snapshot.vectors(Modality.TEXT, np.array(live(lake)))
    assert np.array_equal(snapshot.opened(entry).vectors_of(ids), vectors)


def test_files_that_a_run_which_failed_had_linked_keep_their_checksum(
    lake, folder, index, monkeypatch
):
    """Damage between the runs is found: the next one takes the update that is there."""
    from flows import index_media

    add(folder, PICTURES)
    before = opened(lake)[1]
    with monkeypatch.context() as patch:
        patch.setattr(index_media, "propose_candidate", failing)
        with pytest.raises(EvaluationError):
            index(folder, lake.root)
    spoiled(lake.root / before.path / VECTORS, 85)
    index(folder, lake.root)

    entry = opened(lake)[1]
    assert (f"{entry.path}/{VECTORS}", "has another checksum") in {
        (one.path, one.why) for one in findings(lake)
    }


def test_an_upload_that_was_cut_off_leaves_nothing_in_the_place_of_another(tmp_path, monkeypatch):
    """What lies in a folder without a card goes, where a file can be put only once too."""
    from storage.places import atomic
    from tasks import index_builds

    root = place_of(f"memory://{uuid4().hex}/lake")
    monkeypatch.setattr(atomic, "BUCKETS", atomic.BUCKETS | {"memory"})
    layout = Layout(root)
    folder = layout.index("joint-text", "b1")
    for name in (CODES, VECTORS, DELTA, f"{CODES}.damaged"):
        write_bytes(folder / name, b"of another build", final=True)
    card = IndexCard(
        space="joint",
        modality="text",
        dim=4,
        rows=2,
        created_at=datetime.now(UTC),
        build="b1",
        files=(CODES, VECTORS),
    )
    for name in card.names:
        (tmp_path / name).write_bytes(name.encode())
    index_builds._moved(tmp_path, folder, card, layout)

    assert {name: read_now(folder / name) for name in children(folder)} == {
        **{name: name.encode() for name in card.names},
        f"{CODES}.damaged": b"of another build",
    }


def test_verify_names_a_file_that_the_manifest_lacks(lake):
    """Every file that the card tells of has to be listed."""
    manifest, entry = Snapshot.open(lake).manifest, opened(lake)[1]
    files = [file for file in manifest.files if file.path != f"{entry.path}/{VECTORS}"]
    found = verify(lake, manifest.model_copy(update={"files": files})).findings

    assert (f"{entry.path}/{VECTORS}", "is not among the manifest's files") in {
        (one.path, one.why) for one in found
    }


def test_maintain_removes_whole_builds(lake, folder, index):
    """An index that no snapshot names goes with all of its files; a shared file stays."""
    before = opened(lake)[1].path
    add(folder, PICTURES)
    index(folder, lake.root)
    found = survey(lake, Retention(keep=1, grace=timedelta(0)), datetime.now(UTC) + timedelta(2))
    collect(lake, found)

    assert not (lake.root / before).exists()
    assert findings(lake) == ()
    assert held(lake) == live(lake)


def forget(lake, number):
    """Erase the item of a number; the proof is returned."""
    with writer_lock(lake):
        lake_key(lake)
        order = choose(lake, [f"media/{number}.txt"], (), content=False).selection.order
        return erase(lake, order).proof


def cards(lake):
    """The cards of all indexes of all kept snapshots, by folder."""
    found = {}
    for number in published(lake):
        for entry in Snapshot.open(lake, number).manifest.indexes:
            found[entry.path] = read_card(lake.root / entry.path / CARD)
    return found


def test_forget_leaves_nothing_in_an_updated_index(lake, folder, index):
    """What is erased is alive in one snapshot and dead in the next: both are built afresh."""
    remove(folder, 3)
    add(folder, PICTURES)
    index(folder, lake.root)
    assert opened(lake)[2].dead == CHUNKS
    before = set(cards(lake))

    proof = forget(lake, 3)

    assert proof.left == {}
    assert {card.updates for card in cards(lake).values()} == {0}
    assert not any((lake.root / path).exists() for path in before - set(cards(lake)))
    assert held(lake) == live(lake)
    assert findings(lake) == ()


def test_forget_clears_what_went_before_out_of_updated_indexes(lake, folder, index):
    """A row that went is in no index any more after an erasure of something else."""
    snapshot = Snapshot.open(lake)
    rows = snapshot.rows("segments/text", ["segment_id", "text"]).to_pylist()
    gone = np.array([row["segment_id"] for row in rows if "of text 3." in row["text"]])
    (folder / "3.txt").unlink()
    index(folder, lake.root)
    entry = opened(lake)[1]
    assert np.isin(gone, mapped_vectors(lake.root / entry.path / VECTORS)[0]).all()

    assert forget(lake, 7).left == {}

    snapshot, entry, card = opened(lake)
    assert card.updates == card.dead == 0
    assert not np.isin(gone, mapped_vectors(lake.root / entry.path / VECTORS)[0]).any()
    assert held(lake) == live(lake)


def test_an_erasure_waits_for_no_goal(lake, folder, index, caplog):
    """Where nothing fits any more, what is left is searched exactly, and that is said."""
    snapshot = Snapshot.open(lake)
    narrow = LOW.model_copy(update={"memory_mb": 0.001}).model_dump(mode="json")
    told = snapshot.manifest
    told = told.model_copy(update={"specs": told.specs | {"index": narrow}})
    write_bytes(lake.snapshot(1) / "manifest.json", told.to_json())

    assert forget(lake, 3).left == {}

    assert opened(lake)[2].type == "flat"
    assert "searched exactly until its rows change" in caplog.text
    assert held(lake) == live(lake)
    assert findings(lake) == ()


def test_what_an_erasure_left_exact_is_chosen_anew_when_its_rows_change(lake, folder, index):
    """Nothing fits the latency: the index stays exact, and is not updated as if it did."""
    fast = LOW.model_copy(update={"memory_mb": None, "latency_ms": 1e-9})
    told = Snapshot.open(lake).manifest
    specs = told.specs | {"index": fast.model_dump(mode="json")}
    write_bytes(
        lake.snapshot(1) / "manifest.json", told.model_copy(update={"specs": specs}).to_json()
    )
    assert forget(lake, 3).left == {}
    assert opened(lake)[2].type == "flat"

    remove(folder, 3)
    assert index(folder, lake.root, fast).status == "unchanged"
    add(folder, PICTURES)
    with pytest.raises(NothingFitsError):
        index(folder, lake.root, fast)


@pytest.mark.parametrize("change", [('"updates": 1', '"updates": 0'), ("joint", "joinT")])
def test_an_erasure_trusts_no_card_that_was_damaged(lake, folder, index, change):
    """A digit of it would keep what went: nothing is changed, and the card is named."""
    (folder / "3.txt").unlink()
    index(folder, lake.root)
    path = lake.root / opened(lake)[1].path / CARD
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))

    with pytest.raises(UnerasableError, match="another checksum"):
        forget(lake, 7)
    assert len(Snapshot.open(lake).rows("segments/text")) == (PICTURES - 1) * CHUNKS


def test_a_candidate_with_an_updated_index_goes_with_an_erasure(lake, folder, index, monkeypatch):
    """Nobody can tell whose rows went, so what such a candidate holds is not kept."""
    from flows import index_media

    remove(folder, 3)
    with monkeypatch.context() as patch:
        patch.setattr(index_media, "publish_snapshot", failing)
        with pytest.raises(EvaluationError):
            index(folder, lake.root)
    assert runs(lake)

    assert forget(lake, 3).left == {}
    assert not runs(lake)


def test_a_lake_in_a_store_has_the_same_index(folder, index, lake):
    """A large index is built and updated in a store as in a folder, and no file stays behind."""
    root = place_of(f"memory://{uuid4().hex}/lake")
    index(folder, root)
    add(folder, PICTURES)
    (folder / "3.txt").unlink()
    index(folder, root)
    index(folder, lake.root)
    there = Layout(root)

    assert opened(there)[2].updates == opened(lake)[2].updates == 1
    assert held(there) == held(lake) == live(there)
    assert findings(there) == ()
    assert not there.staging.exists() or not list(there.staging.iterdir())


def test_maintain_takes_what_went_out_of_an_index(lake, folder, index):
    """Told that no row may be dead, it builds an updated index afresh, and once alone."""
    from flows.maintain import maintain

    (folder / "3.txt").unlink()
    index(folder, lake.root)
    assert opened(lake)[2].dead == CHUNKS
    config = MaintainConfig(lake=str(lake.root), keep=1, grace_days=0, dead_share=0)

    before = {file.path: file.bytes for file in Snapshot.open(lake).manifest.files}
    planned = maintain.fn(config.model_copy(update={"dry_run": True})).compacted
    first, again = maintain.fn(config), maintain.fn(config)

    assert (first.compacted.indexes, again.compacted.indexes) == (1, 0)
    after = {file.path: file.bytes for file in Snapshot.open(lake).manifest.files}
    gone, came = (sum(a[n] for n in a.keys() - b) for a, b in ((before, after), (after, before)))
    assert planned.bytes_before == first.compacted.bytes_before == gone
    assert first.compacted.bytes_after == came
    assert came < planned.bytes_after <= gone
    assert opened(lake)[2].dead == 0
    assert held(lake) == live(lake)
    assert findings(lake) == ()
    assert len(list(lake.root.glob("indexes/joint-text/*"))) == 1


def test_vectors_of_half_precision_are_indexed_too(folder, index, tmp_path):
    """What float16 rounds is within what an index takes."""
    index(folder, tmp_path / "half", storage=StorageSpec(dtype="float16"))
    lake = Layout(tmp_path / "half")

    assert opened(lake)[2].type != "flat"
    assert held(lake) == live(lake)
    assert findings(lake) == ()


@pytest.mark.slow
@pytest.mark.parametrize("at", range(46, 77, 3))
def test_a_run_that_dies_while_it_updates_leaves_a_lake_that_goes_on(
    lake, folder, index, monkeypatch, at
):
    """Killed at some change of the disk while it makes indexes, it is ended by the next run."""
    remove(folder, 3)
    add(folder, PICTURES)
    with dying(monkeypatch, lake.root, at=at):
        index(folder, lake.root)

    serving = Snapshot.open(lake).manifest
    assert verify(lake, serving).findings == ()
    index(folder, lake.root)

    assert held(lake) == live(lake)
    assert findings(lake) == ()
    assert not list(lake.staging.glob("*"))
