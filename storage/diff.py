"""What one snapshot has that another has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from storage.manifest import Manifest
from storage.schemas import MODALITIES, digest
from storage.snapshot import Snapshot

_NAMED: Final = ["name", "contents"]  # both strings; a name comes once


@dataclass(frozen=True, slots=True)
class Changes:
    """Names, as ``root/key`` or ``root/path``, sorted; a renamed one is neither added nor gone."""

    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()  # (before, after): equal contents, another name
    changed: tuple[str, ...] = ()  # the same name, other contents


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that was chosen differently; None where a snapshot does not have it."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class SnapshotDiff:
    """From the snapshot ``before`` to the snapshot ``after``."""

    before: int | None
    after: int | None
    items: Changes
    files: Changes
    segments: dict[str, tuple[int, int]]  # modality → (added, gone), where there are such
    settings: tuple[Setting, ...]
    scores: dict[str, dict[str, tuple[float | None, float | None]]]  # direction → measure → both


def diff(before: Snapshot, after: Snapshot) -> SnapshotDiff:
    """Compare two snapshots of one lake; holds the names and contents of both in memory.

    An item's contents are its files' contents, each once, in whatever order. Of several names
    with equal contents the first gone one was renamed to the first added one, and so on.
    """
    return SnapshotDiff(
        before.manifest.number,
        after.manifest.number,
        _changes(_items(before), _items(after)),
        _changes(_files(before), _files(after)),
        {
            modality: counts
            for modality in MODALITIES
            if any(counts := _counts(_segments(before, modality), _segments(after, modality)))
        },
        _settings(before.manifest, after.manifest),
        _scores(before.manifest, after.manifest),
    )


def _files(snapshot: Snapshot) -> pa.Table:
    files = snapshot.rows("files", ["root", "path", "content_id"])
    name = pc.binary_join_element_wise(files["root"], files["path"], "/")
    return pa.table([name, files["content_id"]], names=_NAMED)


def _items(snapshot: Snapshot) -> pa.Table:
    """Names and contents, in which a content is named once."""
    items = snapshot.rows("items", ["item_id", "root", "key"])
    pairs = snapshot.rows("item_files", ["item_id", "content_id"])
    pairs = pairs.group_by(["item_id", "content_id"]).aggregate([])
    pairs = pairs.sort_by([("item_id", "ascending"), ("content_id", "ascending")])
    grouped = pairs.group_by("item_id", use_threads=False).aggregate([("content_id", "list")])
    contents = pc.binary_join(grouped["content_id_list"], ",")
    whole = items.join(
        pa.table([grouped["item_id"], contents], ["item_id", "contents"]), "item_id"
    )
    name = pc.binary_join_element_wise(whole["root"], whole["key"], "/")
    return pa.table([name, pc.fill_null(whole["contents"], "")], names=_NAMED)


def _changes(before: pa.Table, after: pa.Table) -> Changes:
    gone, added = _without(before, after["name"]), _without(after, before["name"])
    renamed = _turns(gone).join(
        _turns(added), ["contents", "turn"], join_type="inner", right_suffix="_after"
    )
    renamed = renamed.sort_by("name")
    both = before.join(after, "name", join_type="inner", right_suffix="_after")
    changed = both.filter(pc.not_equal(both["contents"], both["contents_after"]))
    return Changes(
        _sorted(_without(added, renamed["name_after"])),
        _sorted(_without(gone, renamed["name"])),
        tuple(zip(renamed["name"].to_pylist(), renamed["name_after"].to_pylist(), strict=True)),
        _sorted(changed),
    )


def _without(table: pa.Table, names: pa.ChunkedArray) -> pa.Table:
    return table.filter(pc.invert(pc.is_in(table["name"], names)))


def _sorted(table: pa.Table) -> tuple[str, ...]:
    return tuple(table.sort_by("name")["name"].to_pylist())


def _turns(table: pa.Table) -> pa.Table:
    """Number the rows of equal contents, by name: the nth copy gone is the nth one added."""
    table = table.filter(pc.not_equal(table["contents"], ""))
    table = table.sort_by([("contents", "ascending"), ("name", "ascending")]).combine_chunks()
    codes = table["contents"].dictionary_encode().combine_chunks().indices.to_numpy()
    place = np.arange(len(codes))
    first = np.concatenate([[True], codes[1:] != codes[:-1]])[: len(codes)]
    turn = place - np.maximum.accumulate(np.where(first, place, 0))
    return table.append_column("turn", pa.array(turn, pa.int64()))


def _segments(snapshot: Snapshot, modality: str) -> NDArray[np.int64]:
    rows = snapshot.rows(f"segments/{modality}", ["segment_id"])
    ids: NDArray[np.int64] = np.unique(rows["segment_id"].to_numpy())
    return ids


def _counts(before: NDArray[np.int64], after: NDArray[np.int64]) -> tuple[int, int]:
    """How many were added, how many are gone; each id comes once."""
    added = np.setdiff1d(after, before, assume_unique=True)
    return len(added), len(np.setdiff1d(before, after, assume_unique=True))


def _settings(before: Manifest, after: Manifest) -> tuple[Setting, ...]:
    one, other = _chosen(before), _chosen(after)
    return tuple(
        Setting(name, one.get(name), other.get(name))
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    )


def _chosen(manifest: Manifest) -> dict[str, str]:
    """What decides how vectors are made and measured, each as one line."""
    chosen = {"preset": manifest.preset}
    chosen |= {f"root {alias}": url for alias, url in manifest.sources.items()}
    for encoder in manifest.encoders:
        main = encoder == manifest.encoder(encoder.modality)
        name = f"encoder {encoder.modality}" + ("" if main else f" in {encoder.space}")
        chosen[name] = f"{encoder.name} {encoder.fingerprint} ({encoder.dim}-d, {encoder.space})"
    if manifest.projection:
        joined = sorted(manifest.projection.encoders.items())
        how = digest([joined, sorted(manifest.projection.states.items())], length=8)
        chosen["projection"] = f"{manifest.projection.space} ({how})"
    if manifest.fusion:
        fusion = manifest.fusion
        chosen["fusion"] = f"{fusion.name} {fusion.fingerprint} in {fusion.space}"
    for spec, fields in manifest.specs.items():
        chosen |= {f"{spec}.{name}": _line(value) for name, value in fields.items()}
    return chosen


def _line(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _scores(
    before: Manifest, after: Manifest
) -> dict[str, dict[str, tuple[float | None, float | None]]]:
    one, other = (m.evaluation.scores if m.evaluation else {} for m in (before, after))
    return {
        direction: {
            measure: (
                one.get(direction, {}).get(measure),
                other.get(direction, {}).get(measure),
            )
            for measure in dict.fromkeys([*one.get(direction, {}), *other.get(direction, {})])
        }
        for direction in dict.fromkeys([*one, *other])
    }
