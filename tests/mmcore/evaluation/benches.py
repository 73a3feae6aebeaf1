"""Snapshots laid out for measuring, and changed ones."""

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation.evaluate import laid_out, learned_from, outcomes
from mmcore.evaluation.index_questions import query_vectors
from mmcore.evaluation.outcomes import Measured
from mmcore.evaluation.querysets.frozen import FrozenSet, freeze
from mmcore.evaluation.recall import index_recall
from mmcore.evaluation.reporting.report import Found, report_of
from mmcore.evaluation.terms import Terms
from mmcore.evaluation.world import World
from mmcore.specs import EvaluationSpec, FitSpec
from storage import tables
from storage.indexes.card import CARD, CODES, VECTORS, IndexCard, Setting
from storage.indexes.choosing.vectors_file import rows_of, write_vectors
from storage.indexes.reading import write_faiss
from storage.manifest import entry
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests.lakes import WHEN, towers

FEW = EvaluationSpec(min_queries=1, latency_queries=4)
ALL = FitSpec(held_out=0.9)


def terms_of(snapshot, before=None, spec=FEW, frozen_of=None, **given):
    """To be asked what would be frozen of ``snapshot``, and in what ``before`` holds, too."""
    frozen = FrozenSet.told(freeze(frozen_of or snapshot, None, spec, ALL))
    world = None if before is None else World.common(before, snapshot)
    return Terms(spec, ALL, frozen, world=world, **given)


def bench_of(snapshot, terms):
    """Laid out with the colour towers."""
    return laid_out(snapshot, towers(), None, terms)


def asked(snapshot, terms, kept=None):
    """Direction → what came of it."""
    found = outcomes(bench_of(snapshot, terms), kept)
    return {one.full.name: one for one in found if isinstance(one, Measured)}


def evaluate(snapshot, encoders, projection, spec, fit, also=None):
    """The report of a snapshot that is asked what would be frozen of it.

    What touches what its models, or ``also``, were fitted on is not asked.
    """
    fitted = learned_from(snapshot, projection) | (also or FittedOn())
    frozen = FrozenSet.told(freeze(snapshot, None, spec, fit))
    terms = Terms(spec, fit, frozen, fitted)
    bench = laid_out(snapshot, encoders, projection, terms)
    recall = index_recall(snapshot, query_vectors(bench))
    return report_of(snapshot, list(outcomes(bench)), terms, Found(index_recall=recall))


def with_table(snapshot, name, table):
    """The same snapshot with other rows in one table."""
    paths = tables.write_rows(snapshot.layout.rows(name), table)
    kept = [f for f in snapshot.manifest.files if not f.path.startswith(f"{name}/")]
    files = [*kept, *(entry(snapshot.layout.root, path, {}) for path in paths)]
    changed = snapshot.manifest.model_copy(update={"files": files})
    return Snapshot.of(snapshot.layout, changed)


def listing_half(lake):
    """The same lake, with an IVF over every second of its texts."""
    old = next(i for i in lake.manifest.indexes if i.modality == "text")
    ids, vectors = (rows[::2] for rows in lake.vectors(Modality.TEXT)[1:])
    folder = lake.layout.index(old.name, "half")
    folder.mkdir(parents=True, exist_ok=True)
    index = faiss.index_factory(vectors.shape[1], "IVF4,Flat", faiss.METRIC_INNER_PRODUCT)
    index.cp.min_points_per_centroid = 1
    index.train(vectors)
    index.add_with_ids(vectors, ids)
    write_faiss(folder / CODES, index)
    write_vectors(folder / VECTORS, ids, vectors.shape[1], rows_of(vectors))
    card = IndexCard(
        space=old.space,
        modality="text",
        dim=vectors.shape[1],
        rows=len(ids),
        created_at=WHEN,
        build="half",
        type="ivf-flat",
        setting=Setting(nprobe=1),
        files=(CODES, VECTORS),
    )
    (folder / CARD).write_text(card.model_dump_json())
    update = {"path": lake.layout.relative(folder), "rows": len(ids)}
    changed = old.model_copy(update=update)
    others = [i for i in lake.manifest.indexes if i.modality != "text"]
    indexes = {"indexes": [*others, changed]}
    return Snapshot(lake.layout, lake.manifest.model_copy(update=indexes))


def content(snapshot, path):
    """The content id of a file."""
    files = snapshot.rows("files", ["path", "content_id"]).to_pylist()
    return next(file["content_id"] for file in files if file["path"] == path)


def item(snapshot, key):
    """The id of an item."""
    rows = snapshot.rows("items", ["item_id", "key"]).to_pylist()
    return next(row["item_id"] for row in rows if row["key"] == key)


def without_segments(snapshot, modality, lost):
    """The same snapshot, in which a content could not be embedded: its files are still there."""
    table = snapshot.rows(f"segments/{modality}")
    kept = pc.invert(pc.is_in(table["content_id"], pa.array([lost])))
    return with_table(snapshot, f"segments/{modality}", table.filter(kept))


def labelled(snapshot, labels):
    """The same snapshot, whose items have these labels, by key."""
    table = snapshot.rows("items")
    column = [labels.get(key) for key in table["key"].to_pylist()]
    place = table.schema.get_field_index("labels")
    field = table.schema.field(place)
    return with_table(
        snapshot, "items", table.set_column(place, field, pa.array(column, field.type))
    )


def same_scores(one, two):
    """Whether two outcomes have the same queries, groups and scores."""
    return (
        one.queries == two.queries
        and np.array_equal(one.groups, two.groups)
        and one.scores.keys() == two.scores.keys()
        and all(np.array_equal(one.scores[name], two.scores[name]) for name in one.scores)
    )
