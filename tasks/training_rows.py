"""What of a lake can be learned from: rows for its projection and its fusion, or why none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmcore.errors import TooFewPairsError, TrainingError
from mmcore.evaluation.querysets.frozen import FrozenSet
from mmcore.specs import FitSpec
from mmcore.training.alignment.gather import MOST_ITEMS
from mmcore.training.dataset.lake import bare_rows, fit_rows, lake_rows
from mmcore.training.fusing.chosen import chosen_items
from mmcore.training.pairs import FEWEST_KEYS
from mmcore.training.projections import unfitted
from mmcore.training.rows import Rows
from mmcore.training.split import fit_rows as allowed
from mmcore.types import EncoderKey, Ids
from storage.schemas import MODALITIES, Modality
from storage.snapshot import Snapshot
from tasks.one_medium import one_medium, texts_alone


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """The rows that a projection is trained on; ``few``: pairs of encoders that have too few."""

    texts: Rows
    media: Mapping[str, Rows]
    few: Mapping[str, int]

    @property
    def pairs(self) -> dict[str, int]:
        """How many contents each encoder has a caption to."""
        return {name: len(set(rows.content_ids)) for name, rows in sorted(self.media.items())}


def lesson(snapshot: Snapshot, keys: Sequence[EncoderKey], spec: FitSpec) -> Lesson | None:
    """What the projection of the lake's encoders is trained on; None where none is needed.

    Raises TooFewPairsError where no encoder has pairs enough, and says how many there are;
    TrainingError where a vector is not finite.
    """
    heads = [key for key in unfitted(keys, None) if key.modality != Modality.TEXT]
    if not heads:
        return None
    asked, new = FrozenSet.of(snapshot).items(snapshot), unfitted(keys, None)
    texts, media = fit_rows(snapshot, new, spec, others=MOST_ITEMS, frozen_items=asked)
    there = [key for key in heads if snapshot.manifest.paths(f"segments/{key.modality}")]
    learned = {key.space for key in heads if key.name in media}  # one head leads a whole space
    counts = _pairs(snapshot, [key for key in there if key.space not in learned], spec)
    if not media:
        raise TooFewPairsError(_why(snapshot, there, counts, spec), counts, spec.min_pairs)
    for name, rows in {"texts": texts, **media}.items():
        if not np.isfinite(rows.vectors).all():
            raise TrainingError(
                f"{name}: a vector of the lake is not finite, so nothing can be trained:"
                " `mmindex snapshots verify` names the damaged file"
            )
    return Lesson(texts, media, counts)


def _pairs(snapshot: Snapshot, keys: Sequence[EncoderKey], spec: FitSpec) -> dict[str, int]:
    """How many contents of each encoder have a caption that may be learned from."""
    if not keys:
        return {}
    texts = bare_rows(snapshot, Modality.TEXT).captions()
    asked = FrozenSet.of(snapshot).items(snapshot)
    items = np.unique(texts.take(allowed(texts, spec.held_out, asked)).item_ids)
    return {key.name: _contents(bare_rows(snapshot, key.modality, items)) for key in keys}


def _contents(rows: Rows) -> int:
    return len(set(rows.content_ids))


def _why(
    snapshot: Snapshot, keys: Sequence[EncoderKey], pairs: Mapping[str, int], spec: FitSpec
) -> str:
    """Why nothing can be learned from ``keys``, those that have cells, and what would help."""
    root, manifest = snapshot.layout.root, snapshot.manifest
    if why := one_medium(root, manifest):
        return why
    if not keys:
        return texts_alone(root)
    told = ", ".join(f"{pairs[key.name]} of {key.modality}" for key in keys)
    many = sum(pairs.values())
    are = {0: "no pair", 1: "one pair"}.get(many, f"{many} pairs")
    return (
        f"{root} has {are} of a caption and another medium to learn from ({told}); training needs"
        f" {spec.min_pairs} of one medium, with {FEWEST_KEYS} different captions and files. Those"
        f" whose caption is held out ({spec.held_out:.0%} of them, by hash) are not counted: they"
        " tell what it is worth"
    )


def fusion_rows(snapshot: Snapshot, spec: FitSpec, most: int) -> dict[Modality, Rows]:
    """Vectors of the shared space by modality, without what is held out: to learn to fuse.

    An item with a held-out caption is left out with all its contents, wherever else they serve.
    Of those left ``most`` are taken (``chosen_items``), and vectors are read of these alone. A
    modality that had rows before the choice has an entry, with no rows where none of its items
    were taken.
    """
    found = _learnable(snapshot, spec)
    items = chosen_items(found, most)
    return {m: _read(snapshot, m, items, bare) for m, bare in found.items()}


def _read(snapshot: Snapshot, modality: Modality, items: Ids, bare: Rows) -> Rows:
    """The rows of ``items`` with vectors, of the contents that ``bare`` has."""
    rows = lake_rows(snapshot, modality, space="shared", items=items)
    return rows.take(np.isin(rows.segment_ids, bare.segment_ids))


def _learnable(snapshot: Snapshot, spec: FitSpec) -> dict[Modality, Rows]:
    """The rows that may be learned from, without vectors; no entry for no rows."""
    space = snapshot.manifest.fused_of
    here = [m for m in MODALITIES if m in _living(snapshot, space)]
    rows = {modality: bare_rows(snapshot, modality) for modality in here}
    spoiled: set[str] = set()
    items = FrozenSet.of(snapshot).items(snapshot)
    if (texts := rows.get(Modality.TEXT)) is not None:
        captions = texts.captions()
        items = np.union1d(items, captions.item_ids[~allowed(captions, spec.held_out)])
    for of in rows.values():
        spoiled |= set(of.take(np.isin(of.item_ids, items)).content_ids)
    found = {modality: _without(of, items, spoiled) for modality, of in rows.items()}
    return {modality: of for modality, of in found.items() if len(of)}


def _living(snapshot: Snapshot, space: str) -> set[Modality]:
    """The modalities that have segments, and are searched in ``space``."""
    there = (m for m in MODALITIES if snapshot.manifest.paths(f"segments/{m}"))
    return {modality for modality in there if snapshot.space(modality) == space}


def _without(rows: Rows, items: Ids, contents: set[str]) -> Rows:
    kept = (content not in contents for content in rows.content_ids)
    mask = np.fromiter(kept, dtype=np.bool_, count=len(rows))
    return rows.take(mask & ~np.isin(rows.item_ids, items))
