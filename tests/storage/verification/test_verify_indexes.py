"""Indexes of a snapshot are verified."""

import json

import numpy as np

from storage.indexes.card import IndexCard
from storage.indexes.choosing.build import build_index
from storage.indexes.files import write_index
from storage.tables import read_parts
from storage.verification.findings import Finding
from storage.verification.verify import verify
from tests.factories import WHEN, entries
from tests.storage.verification.finding import findings, lake


def test_a_foreign_index_is_found(tmp_path):
    """An index over other ids answers with rows that are not there, and lacks those that are."""
    layout, whole = lake(tmp_path)
    named = next(index for index in whole.indexes if index.modality == "image")
    vectors = np.eye(3, 6, dtype=np.float32)
    index = build_index(np.array([1, 2, 3]), vectors)
    card = IndexCard(
        space=named.space, modality="image", dim=6, rows=3, created_at=WHEN, build="foreign"
    )
    folder = write_index(layout.index("foreign", "foreign"), index, card)
    foreign = named.model_copy(update={"path": layout.relative(folder)})
    files = whole.files + entries(layout, [folder / "index.faiss", folder / "index.json"])
    worse = whole.model_copy(update={"indexes": [foreign], "files": files})

    assert verify(layout, worse).findings == (
        Finding(foreign.path, "holds ids that are no rows: 3, first 1"),
        Finding(foreign.path, f"lacks ids of its rows: 3, first {min(ids(layout, whole))}"),
    )


def ids(layout, whole):
    """The segments of the pictures."""
    paths = [layout.root / path for path in whole.paths("segments/image")]
    return read_parts(paths)["segment_id"].to_pylist()


def test_an_index_that_the_manifest_does_not_name_is_found(tmp_path):
    """An index whose files are not listed would not survive a cleaning."""
    layout, whole = lake(tmp_path)
    path = whole.indexes[0].path
    files = [file for file in whole.files if not file.path.startswith(path)]

    found = findings(layout, whole.model_copy(update={"files": files}))

    names = ("index.faiss", "index.json")
    assert found == [(f"{path}/{name}", "is not among the manifest's files") for name in names]


def test_a_card_of_another_index_is_found(tmp_path):
    """Rows, dimensions and space of an index are those that its manifest tells."""
    layout, whole = lake(tmp_path)
    named = whole.indexes[0]
    card = layout.root / named.path / "index.json"
    card.write_text(json.dumps(json.loads(card.read_text("utf-8")) | {"space": "other"}), "utf-8")
    name = layout.relative(card)
    files = [file for file in whole.files if file.path != name] + entries(layout, [card])

    found = findings(layout, whole.model_copy(update={"files": files}))

    assert found == [(name, "is not the index its manifest names")]


def test_an_index_of_no_modality_is_found(tmp_path):
    """An index that no search could ask is said to be that."""
    layout, whole = lake(tmp_path)
    odd = whole.indexes[0].model_copy(update={"modality": "smell"})

    found = findings(layout, whole.model_copy(update={"indexes": [odd]}))

    assert found == [(odd.path, "is of the modality smell, which there is not")]
