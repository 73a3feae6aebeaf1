"""Retrieval on the Tux Paint + GCompris set: five caption-hash splits, mean ± deviation.

    make data && python -m benchmarks.stamps data/stamps

The media are indexed once, by the flow that `mmindex index` runs. For each split the projection is
fitted on one half of the caption keys, by the function that the flow calls, and the other half is
scored. `symbols` are left out, items with the same caption key are equally right, every choice is
made inside the fitting half. A query is an item's caption (its chunks pooled) or picture; an item
of the gallery scores by its best segment, as in a search.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.machine import describe, resources
from flows.config.index import IndexConfig
from flows.orchestration.orchestrator import orchestrated
from mmcore.encoders.presets import encoders_of
from mmcore.encoders.projections import Projection
from mmcore.evaluation.measures import means, per_query
from mmcore.evaluation.ranking import Gallery, Overrides, rank
from mmcore.fusion.pooling import pool
from mmcore.specs import FitSpec, RuntimeSpec, SegmentationSpec
from mmcore.training.dataset.lake import lake_rows
from mmcore.training.projections import fit_projection
from mmcore.training.rows import Rows
from mmcore.types import EncoderKey, Ids, Vectors
from storage.layout import Layout
from storage.schemas import Modality, item_id
from storage.snapshot import Snapshot

SEEDS = range(5)
ROOT = "stamps"
GOALS = {  # Success@1, Success@10
    "English text → picture": (0.24, 0.52),
    "Chinese text → picture": (0.14, 0.48),
    "picture → English text": (0.19, 0.47),
    "English text → sound": (0.06, 0.26),
    "Chinese caption → English caption": (0.61, 0.79),
}


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The set's cells by role; a long caption or sound has several rows."""

    keys: tuple[EncoderKey, ...]
    english: Rows
    chinese: Rows
    pictures: Rows
    sounds: Rows
    caption_keys: Mapping[int, str]  # item id → key
    symbols: frozenset[int]


def write_manifest(data: Path) -> tuple[Path, list[dict[str, object]]]:
    """A manifest for `mmindex index`, beside the media; returns it and the pairs."""
    pairs = [json.loads(line) for line in (data / "pairs.jsonl").read_text("utf-8").splitlines()]
    lines = [
        {"item": pair["id"], "path": path.removeprefix("media/"), "label": pair["category"]}
        for pair in pairs
        for role, path in pair["files"].items()
    ]
    target = data / "manifest.jsonl"
    target.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return target, pairs


def index(data: Path, lake: Path, manifest: Path) -> dict[str, float]:
    """Index the media as `mmindex index` does; returns the seconds of each stage."""
    with orchestrated(print):
        from flows.index_media import index_media

        config = IndexConfig(
            media=(f"{ROOT}={data / 'media'}",), lake=str(lake), crawl={"manifest": str(manifest)}
        )
        return index_media(config).seconds


def load(lake: Path, pairs: list[dict[str, object]]) -> Cells:
    """Read the cells back, and pick the rows that the protocol compares."""
    snapshot = Snapshot.open(Layout(lake.resolve()))
    segmentation = SegmentationSpec.model_validate(snapshot.manifest.specs["segmentation"])
    keys = tuple(e.key for e in encoders_of("embedded", segmentation, RuntimeSpec()))
    contents = dict(
        zip(
            snapshot.rows("files")["path"].to_pylist(),
            snapshot.rows("files")["content_id"].to_pylist(),
            strict=True,
        )
    )
    ids = {pair["id"]: item_id(ROOT, str(pair["id"])) for pair in pairs}

    def wanted(role: str, kinds: tuple[str | None, ...] = (None,)) -> set[tuple[int, str]]:
        return {
            (ids[pair["id"]], contents[pair["files"][role].removeprefix("media/")])
            for pair in pairs
            if role in pair["files"] and (kinds == (None,) or pair["sound_kind"] in kinds)
        }

    texts = lake_rows(snapshot, Modality.TEXT, space="own")
    return Cells(
        keys=keys,
        english=pick(texts, wanted("text_en")),
        chinese=pick(texts, wanted("text_zh")),
        pictures=pick(lake_rows(snapshot, Modality.IMAGE, space="own"), wanted("image")),
        sounds=pick(
            lake_rows(snapshot, Modality.AUDIO, space="own"), wanted("sound", ("effect", "music"))
        ),
        caption_keys={ids[pair["id"]]: str(pair["caption_key"]) for pair in pairs},
        symbols=frozenset(ids[pair["id"]] for pair in pairs if pair["group"] == "symbols"),
    )


def pick(rows: Rows, wanted: set[tuple[int, str]]) -> Rows:
    """The rows whose (item, content) is wanted."""
    pairs = zip(rows.item_ids.tolist(), rows.content_ids, strict=True)
    return rows.take(np.array([pair in wanted for pair in pairs], dtype=bool))


def halves(cells: Cells, seed: int) -> tuple[set[int], set[int]]:
    """Items to fit on and items to score: by the hash of the caption key."""
    fit, scored = set(), set()
    for item, key in cells.caption_keys.items():
        if int(hashlib.sha256(f"{seed}/{key}".encode()).hexdigest(), 16) % 2:
            fit.add(item)
        elif item not in cells.symbols:
            scored.add(item)
    return fit, scored


def only(rows: Rows, items: set[int]) -> Rows:
    """The rows of ``items``."""
    return rows.take(np.array([i in items for i in rows.item_ids.tolist()], dtype=bool))


def both(one: Rows, other: Rows) -> Rows:
    """Rows of two tables, one after the other."""
    return Rows(
        np.concatenate([one.item_ids, other.item_ids]),
        np.concatenate([one.segment_ids, other.segment_ids]),
        one.content_ids + other.content_ids,
        one.languages + other.languages,
        one.texts + other.texts,
        np.concatenate([one.vectors, other.vectors]),
    )


def split_scores(cells: Cells, seed: int) -> Iterator[tuple[str, int, dict[str, float]]]:
    """Fit on one half and score the other: (direction, queries, means)."""
    fit, scored = halves(cells, seed)
    by_name = {key.modality: key for key in cells.keys}
    image, audio, text = (by_name[m] for m in (Modality.IMAGE, Modality.AUDIO, Modality.TEXT))
    texts = both(only(cells.english, fit), only(cells.chinese, fit))
    media = {image.name: only(cells.pictures, fit), audio.name: only(cells.sounds, fit)}
    projection = fit_projection(texts, media, cells.keys, FitSpec(held_out=0.0), None)
    if projection is None:
        raise SystemExit("nothing was fitted: are the media complete?")
    english, chinese = only(cells.english, scored), only(cells.chinese, scored)
    pictures, sounds = only(cells.pictures, scored), only(cells.sounds, scored)
    vectors = {
        "en": project(projection, text, english),
        "zh": project(projection, text, chinese),
        "picture": project(projection, image, pictures),
        "sound": project(projection, audio, sounds),
    }
    for name, asked, gallery in (
        ("English text → picture", ("en", english), ("picture", pictures)),
        ("Chinese text → picture", ("zh", chinese), ("picture", pictures)),
        ("picture → English text", ("picture", pictures), ("en", english)),
        ("English text → sound", ("en", english), ("sound", sounds)),
        ("Chinese caption → English caption", ("zh", chinese), ("en", english)),
    ):
        items = np.unique(asked[1].item_ids)
        if gallery[0] == "sound":
            items = np.intersect1d(items, sounds.item_ids)
        query, _ = pool(items, asked[1].item_ids, vectors[asked[0]])
        yield (
            name,
            len(items),
            score(cells, items, query, gallery[1].item_ids, vectors[gallery[0]]),
        )


def project(projection: Projection, key: EncoderKey, rows: Rows) -> Vectors:
    """Rows in the shared space."""
    return projection.project(key, rows.vectors, rows.languages)


def score(
    cells: Cells, items: Ids, queries: Vectors, gallery_items: Ids, gallery: Vectors
) -> dict[str, float]:
    """Means over the queries; every gallery item with the query's caption key is right."""
    right: dict[str, list[int]] = {}
    for item in sorted(set(gallery_items.tolist())):
        right.setdefault(cells.caption_keys[item], []).append(item)
    relevant = [np.array(right[cells.caption_keys[i]], dtype=np.int64) for i in items.tolist()]
    contents = np.full(len(gallery_items), "", dtype=np.str_)
    ranking = rank(
        queries,
        Gallery.of(gallery_items, contents, gallery),
        relevant,
        Overrides.of([], [], []),
        depth=100,
    )
    return means(per_query(ranking.hits, ranking.relevant, (1, 5, 10)))


def table(results: Mapping[str, list[dict[str, float]]], sizes: Mapping[str, list[int]]) -> str:
    """Markdown: mean ± deviation over the splits, and the goal."""
    lines = [
        "| direction | queries | Success@1 | Success@5 | Success@10 | RR | goal @1 / @10 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, splits in results.items():
        cells = []
        for measure in ("Success@1", "Success@5", "Success@10", "RR"):
            values = np.array([split[measure] for split in splits])
            cells.append(f"{values.mean():.3f} ± {values.std():.3f}")
        goal = " / ".join(f"≥ {value}" for value in GOALS[name])
        lines.append(f"| {name} | {np.mean(sizes[name]):.0f} | {' | '.join(cells)} | {goal} |")
    return "\n".join(lines)


def main() -> None:
    """Index, fit, score, print one table and write a JSON beside the data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="what build_stamps.py built, with --names opaque")
    parser.add_argument("--lake", type=Path, help="default: DATA/lake")
    arguments = parser.parse_args()
    lake = arguments.lake or arguments.data / "lake"
    manifest, pairs = write_manifest(arguments.data)
    seconds = index(arguments.data, lake, manifest)
    cells = load(lake, pairs)
    results: dict[str, list[dict[str, float]]] = {}
    sizes: dict[str, list[int]] = {}
    for seed in SEEDS:
        for name, queries, found in split_scores(cells, seed):
            results.setdefault(name, []).append(found)
            sizes.setdefault(name, []).append(queries)
    print(describe())
    print(f"index: {json.dumps(seconds)} s; {resources()}")
    print(table(results, sizes))
    written = {"machine": describe(), "seconds": seconds, "splits": results, "queries": sizes}
    (arguments.data / "stamps.json").write_text(json.dumps(written, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
