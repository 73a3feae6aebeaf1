"""What is evaluated again: the same files should have the scores that they had."""

from __future__ import annotations

import logging
from math import isfinite
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmcore.evaluation.outcomes import Outcome
from mmcore.evaluation.scores import Finding, GateVerdict
from storage.manifest import Manifest
from storage.places.place import local_copy
from tasks.measuring import Both
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

MEASURE: Final = "RR"
SLIGHT: Final = 1e-4
"""A difference of means that other roundings may make."""

QUERIES: Final = "queries.parquet"
_COLUMNS: Final = pa.schema(
    [*((name, pa.string()) for name in ("set", "direction", "query")), (MEASURE, pa.float64())]
)


def repeated(manifest: Manifest, both: Both, work: Workplace) -> list[Finding]:
    """Directions that the snapshot's own report told another score of, over the same queries.

    Files, queries and settings are the same, so it is software, or the weights of a model. Nothing
    is known where there is no such report, or an erasure wrote the snapshot anew.
    """
    told = manifest.evaluation
    if told is None or told.config != both.config or manifest.reissued_at is not None:
        return []
    number = manifest.number if told.report is None else told.report
    before = _before(work, number)
    found = [_differs(one, before.get((one.set, one.name), {})) for one in both.after.full]
    return [finding for finding in found if finding is not None]


def _before(work: Workplace, number: int | None) -> dict[tuple[str, str], dict[str, float]]:
    """Query set and direction → query → value, as the report has it; {} where it has none."""
    path = work.lake.report(str(number)) / QUERIES
    try:
        with pq.ParquetFile(local_copy(path)) as file:
            if MEASURE not in file.schema_arrow.names:  # it scored no direction
                return {}
            table = file.read(columns=_COLUMNS.names).select(_COLUMNS.names).cast(_COLUMNS)
            rows = table.to_pylist()
    except FileNotFoundError:
        return {}
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:  # damaged, or not ours
        log.warning("%s cannot be compared with: %s", path, str(error).partition("\n")[0])
        return {}
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        if row[MEASURE] is not None and isfinite(row[MEASURE]):
            found.setdefault((row["set"], row["direction"]), {})[row["query"]] = row[MEASURE]
    return found


def _differs(now: Outcome, before: dict[str, float]) -> Finding | None:
    if MEASURE not in now.scores:
        return None
    values = dict(zip(now.queries, now.scores[MEASURE].tolist(), strict=True))
    common = [query for query in now.queries if query in before]
    if not common:
        return None
    one = float(np.mean([before[query] for query in common]))
    other = float(np.mean([values[query] for query in common]))
    if abs(one - other) <= SLIGHT:
        return None
    return Finding(
        kind="drift",
        subject=now.label,
        measure=MEASURE,
        before=one,
        after=other,
        rule="the same files score the same",
        action="warn",
        directions=[now.label],
    )


def with_findings(verdict: GateVerdict, more: list[Finding]) -> GateVerdict:
    """The verdict with findings that only warn."""
    if not more:
        return verdict
    status = "warn" if verdict.status == "pass" else verdict.status
    return verdict.model_copy(update={"status": status, "findings": [*verdict.findings, *more]})
