import json
import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest

from storage.errors import CorruptLakeError
from storage.indexes.card import CARD, CODES, DEAD, DELTA, VECTORS, Setting
from storage.indexes.choosing.kinds import kinds
from storage.indexes.choosing.vectors_file import rows_of, write_vectors
from storage.indexes.files import Index
from storage.indexes.searching.sound import KNOWN, fault, misfit
from tests.factories import unit_vectors
from tests.storage.indexes.folders import (
    CODED,
    IDS,
    KINDS,
    NAMES,
    VECTORS_,
    D,
    N,
    built,
    faiss_bytes,
)

DEAD_ROWS = range(0, N, 100)
# opens a build again and again, each time with other bytes in one file, and searches what opens
CHILD = """
import json, sys
from pathlib import Path
import faiss, numpy as np
from storage.errors import CorruptLakeError
from storage.indexes.files import Index

faiss.omp_set_num_threads(1)
folder, name = Path(sys.argv[1]), sys.argv[2]
path = folder / name
whole, told = path.read_bytes(), []
queries = np.load(folder.parent / "queries.npy")
for place, value in json.load(sys.stdin):
    changed = bytearray(whole)
    changed[place] = value
    path.write_bytes(changed)
    print(place, value, end=" ", flush=True)
    try:
        index = Index.open(folder)
        index.search(queries, 10)
        index.search(queries[:3], 5, index.held()[::3])
        print("answers", flush=True)
    except CorruptLakeError as error:
        print("refused", Path(error.path).name, flush=True)
path.write_bytes(whole)
"""


def whole(folder, kind):
    """A build with all that a build may have."""
    return built(folder, kind, dead=DEAD_ROWS, late=True)


def survived(folder, name, changes):
    """What became of a build with each of ``changes`` (place, value) to one file."""
    np.save(folder.parent / "queries.npy", VECTORS_[:20])
    result = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), name],
        input=json.dumps(changes),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, f"{result.stdout[-60:]!r} {result.stderr[-500:]}"
    return result.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_byte_never_ends_the_process(kind, tmp_path):
    """What the head of an index says, and some of the rest: it answers, or the file is named."""
    folder = whole(tmp_path / "build", kind)
    content = (folder / CODES).read_bytes()
    places = [*range(140), *np.random.default_rng(0).integers(140, len(content), 40).tolist()]
    changes = [(p, v) for p in places for v in (255, content[p] ^ 1) if v != content[p]]
    told = survived(folder, CODES, changes)

    assert len(told) == len(changes)
    assert sum("refused" in line for line in told) >= 40
    assert all(line.endswith(("answers", CODES)) for line in told if "refused" in line)


@pytest.mark.parametrize(
    ("kind", "places"), [("IDMap,PQ8x4fs", (42, 43)), ("IDMap,RaBitQfs", (95, 98))]
)
def test_what_was_found_by_flipping_bytes_is_refused(kind, places, tmp_path):
    """Sizes that faiss 1.15.1 reads and then reads beyond: of fast scan and of RaBitQ."""
    told = survived(whole(tmp_path / "build", kind), CODES, [(place, 1) for place in places])

    assert [line.split(maxsplit=2)[2] for line in told] == [f"refused {CODES}"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("name", [VECTORS, DELTA, DEAD])
def test_a_flipped_byte_in_a_head_beside_is_refused(name, tmp_path):
    """No byte of what says how much there is can be changed."""
    folder = whole(tmp_path / "build", "IDMap,PQ8x4fs")
    content = (folder / name).read_bytes()
    size = 128 if name == DEAD else 82
    places = [*range(size), len(content) - 1, len(content) - 12]
    changes = [(p, v) for p in places for v in (255, content[p] ^ 128) if v != content[p]]
    told = survived(folder, name, changes)

    there = {VECTORS: {VECTORS, CODES}, DELTA: {DELTA, CARD}, DEAD: {DEAD, CARD}}[name]
    refused = [line.split()[-1] for line in told if "refused" in line]
    assert set(refused) <= there
    assert len(refused) >= len(changes) - 40


@pytest.mark.parametrize("name", [CARD, CODES, VECTORS, DELTA, DEAD])
@pytest.mark.parametrize("keep", [None, 0, 30, 100, 0.5, -1, "text"])
def test_what_is_missing_or_cut_off_or_no_index_is_named(name, keep, tmp_path):
    """Each file of a build, and each way to lose some of it."""
    folder = whole(tmp_path, "IDMap,PQ8x4fs")
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if keep == "text":
        path.write_text("no index at all\n" * 100)
    elif keep is not None:
        path.write_bytes(content[: int(len(content) * keep) if keep == 0.5 else keep])

    with pytest.raises(CorruptLakeError) as caught:
        Index.open(folder)
    assert caught.value.path == path


@pytest.mark.parametrize("kind", CODED)
def test_an_index_of_other_rows_is_refused(kind, tmp_path):
    """Codes of other ids or another number than the vectors beside them, or of another length."""
    rows = N - len(DEAD_ROWS) + 100
    index = faiss.deserialize_index(np.frombuffer(faiss_bytes(kind), np.uint8))
    assert fault(index, N, D) is None
    assert fault(index, N + 1, D) is not None
    assert fault(index, N, D + 1) is not None
    folder = built(tmp_path, kind, dead=DEAD_ROWS, late=True, rows=rows)
    write_vectors(folder / VECTORS, IDS[1:N], D, rows_of(VECTORS_[1:N]))

    with pytest.raises(CorruptLakeError) as caught:
        Index.open(folder)
    assert caught.value.path == folder / CODES


def test_other_ids_of_the_same_number_are_refused(tmp_path):
    """The codes' map of ids is that of the vectors."""
    folder = built(tmp_path, "IDMap,PQ8x4fs")
    other = np.sort(IDS[:N] + np.uint64(1).astype(np.int64))
    write_vectors(folder / VECTORS, other, D, rows_of(VECTORS_[:N]))

    with pytest.raises(CorruptLakeError, match="other rows") as caught:
        Index.open(folder)
    assert caught.value.path == folder / CODES


@pytest.mark.parametrize("name", [CODES, VECTORS, DELTA])
def test_vectors_of_another_dimension_are_refused(name, tmp_path):
    """Each file has to be of the card's dimension."""
    folder = whole(tmp_path, "IDMap,PQ8x4fs")
    part = {CODES: IDS[:N], VECTORS: IDS[:N], DELTA: IDS[N:]}[name]
    write_vectors(folder / name, part, D // 2, rows_of(unit_vectors(len(part), D // 2)))

    with pytest.raises(CorruptLakeError) as caught:
        Index.open(folder)
    assert caught.value.path == folder / name


def test_an_id_that_is_alive_twice_is_refused(tmp_path):
    """A row of the delta that has no tombstone among the others would be found twice."""
    folder = whole(tmp_path, "IDMap,PQ8x4fs")
    write_vectors(folder / DELTA, IDS[1:101], D, rows_of(VECTORS_[1:101]))

    with pytest.raises(CorruptLakeError, match=r"which index\.faiss has too") as caught:
        Index.open(folder)
    assert caught.value.path == folder / DELTA


@pytest.mark.parametrize("spec", ["Flat", "SQ4", "IVF8,Flat,RFlat", "IDMap,IDMap"])
def test_kinds_that_are_not_built_here_are_refused(spec, tmp_path):
    """A sound faiss file of another kind, or without ids, is not searched."""
    folder = built(tmp_path, "IDMap,PQ8x4fs")
    if spec == "IDMap,IDMap":
        index = faiss.IndexIDMap(faiss.index_factory(D, "Flat", faiss.METRIC_INNER_PRODUCT))
        index.add_with_ids(VECTORS_[:N], IDS[:N])
        within, index = index, faiss.IndexIDMap(faiss.IndexFlatIP(D))
        index.index, index.ntotal = within, N
        faiss.copy_array_to_vector(IDS[:N], index.id_map)
    else:
        index = faiss.index_factory(D, spec, faiss.METRIC_INNER_PRODUCT)
        index.train(VECTORS_)
        index.add(VECTORS_[:N])
    faiss.write_index(index, str(folder / CODES))

    with pytest.raises(CorruptLakeError) as caught:
        Index.open(folder)
    assert caught.value.path == folder / CODES


def test_another_measure_is_refused(tmp_path):
    """Distances are not scores."""
    folder = built(tmp_path, "IDMap,PQ8x4fs")
    index = faiss.index_factory(D, "IDMap,HNSW32", faiss.METRIC_L2)
    index.add_with_ids(VECTORS_[:N], IDS[:N])
    faiss.write_index(index, str(folder / CODES))

    with pytest.raises(CorruptLakeError, match="another measure"):
        Index.open(folder)


@pytest.mark.parametrize("files", [(CODES,), (VECTORS,), (CODES, VECTORS, "../x"), ()])
def test_a_card_that_names_other_files_is_refused(files, tmp_path):
    """Codes are refined from the vectors beside them, and nothing outside the folder is read."""
    folder = built(tmp_path, "IDMap,PQ8x4fs")
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | {"files": files}))

    with pytest.raises(CorruptLakeError) as caught:
        Index.open(folder)
    assert caught.value.path == folder / CARD


def test_a_card_that_counts_other_rows_is_refused(tmp_path):
    """Rows less the dead ones and those that came later are what a card says."""
    folder = built(tmp_path, "IDMap,PQ8x4fs", dead=DEAD_ROWS, late=True, rows=N)

    with pytest.raises(CorruptLakeError, match=f"says {N} rows") as caught:
        Index.open(folder)
    assert caught.value.path == folder / CARD


def told(folder, **changes):
    """Change what the card of a build says."""
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | changes))


@pytest.mark.parametrize("name", ["pq-halX", "nonsense", "", "Flat"])
@pytest.mark.parametrize("kind", ["flat", "IDMap,PQ8x4fs"])
def test_a_type_that_nobody_knows_is_refused(kind, name, tmp_path):
    """A card of another type is damaged, or a newer version's."""
    folder = built(tmp_path, kind)
    told(folder, type=name)

    with pytest.raises(CorruptLakeError, match="unknown type") as caught:
        Index.open(folder)
    assert caught.value.path == folder / CARD


@pytest.mark.parametrize("kind", CODED)
def test_codes_of_another_type_than_the_card_says_are_refused(kind, tmp_path):
    """As an upload leaves them that was cut off, when a later one made another kind."""
    folder = built(tmp_path, kind)
    alike = {"pq-half", "pq-quarter"}
    for name in sorted(KNOWN - {"flat", NAMES[kind]} - (alike if NAMES[kind] in alike else set())):
        told(folder, type=name)
        with pytest.raises(CorruptLakeError, match=f"its card says {name}") as caught:
            Index.open(folder)
        assert caught.value.path == folder / CODES
    told(folder, type="flat")
    with pytest.raises(CorruptLakeError, match="no file of exact vectors"):
        Index.open(folder)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("IVF32,SQ8", {"nprobe": 33}),
        ("IVF32,SQ8", {"nprobe": 2**63}),
        ("IVF32,SQ8", {"ef": 16}),
        ("RR16,IVF32_HNSW32,PQ8x4fs", {"nprobe": 33}),
        ("IDMap,HNSW32", {"ef": 2**31}),
        ("IDMap,HNSW32", {"nprobe": 2}),
        ("IDMap,PQ8x4fs", {"nprobe": 2}),
    ],
)
def test_a_setting_that_the_type_cannot_have_is_refused(kind, setting, tmp_path):
    """More lists than there are, or what another type is set by."""
    folder = built(tmp_path, kind)
    told(folder, setting=setting)

    with pytest.raises(CorruptLakeError, match="cannot be searched with") as caught:
        Index.open(folder)
    assert caught.value.path == folder / CODES


def test_all_kinds_that_are_built_are_known():
    """Each kind that may be chosen is opened again: what faiss makes of it is what is expected."""
    there = kinds(10_000_000, 64)

    assert {kind.name for kind in there} == KNOWN
    for kind in there:
        if not kind.exact:
            index = faiss.index_factory(64, kind.factory, faiss.METRIC_INNER_PRODUCT)
            assert misfit(index, kind.name, Setting()) is None


@pytest.mark.parametrize("name", [CARD, CODES, VECTORS, DELTA, DEAD])
def test_a_folder_in_place_of_a_file_is_named(name, tmp_path):
    """It is damage like any other."""
    folder = whole(tmp_path, "IDMap,PQ8x4fs")
    (folder / name).unlink()
    (folder / name).mkdir()

    with pytest.raises(CorruptLakeError, match="is no file") as caught:
        Index.open(folder)
    assert caught.value.path == folder / name
