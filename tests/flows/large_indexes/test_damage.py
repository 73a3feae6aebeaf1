"""Damage of a large index is found, set aside, and never copied."""

from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import pytest

from mmcore.errors import EvaluationError
from storage.indexes.card import CARD, CODES, DELTA, VECTORS, IndexCard
from storage.layout import Layout
from storage.places.atomic import write_bytes
from storage.places.place import children, place_of, read_now
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests.flows.large_indexes.growing import (
    PICTURES,
    add,
    failing,
    findings,
    held,
    live,
    opened,
    remove,
)


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
    from flows.stages import gating

    add(folder, PICTURES)
    before = opened(lake)[1]
    with monkeypatch.context() as patch:
        patch.setattr(gating, "propose_candidate", failing)
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
    from tasks.index_benches import moved

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
    moved(tmp_path, folder, card, layout)

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
