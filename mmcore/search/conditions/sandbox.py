"""Who asks the process of conditions, and kills it."""

from __future__ import annotations

import atexit
import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.decoding.pool import Pool
from mmcore.errors import ConditionError, ConfigError, DecodingError
from mmcore.processes.process import ALARM, KILL, Ended, Why, name_of
from mmcore.processes.telling import failure_from
from mmcore.search.conditions.bounds import MOST_BYTES, NO_MEMORY, SECONDS
from mmcore.search.conditions.grammar import Ref
from mmcore.search.notes import Note
from storage.schemas import MmindexError

_WORKER: Final = "mmcore.search.conditions.worker"
_START: Final = 60.0  # seconds: it imports DuckDB, on a machine that may be busy

POOL: Final = Pool(2, _WORKER)
"""The processes of conditions of this process."""

atexit.register(POOL.close)


def columns_in(text: str) -> list[Ref]:
    """The columns that a condition names; ConfigError for one that is none, or may not be."""
    told = _asked({"text": text}, MOST_BYTES)
    return [tuple(names) for names in told["columns"]]


def passing(text: str, tables: Mapping[str, Mapping[str, Path]], rows: int) -> NDArray[np.bool_]:
    """Which of ``rows`` places pass a condition that ``columns_in`` has let pass: (rows,).

    ``tables`` has for each relation the file of each column. ConfigError where it cannot be run.
    """
    named = {
        table: {name: str(path) for name, path in columns.items()}
        for table, columns in tables.items()
    }
    size = sum(path.stat().st_size for of in tables.values() for path in of.values())
    told = _asked({"text": text, "tables": named, "rows": rows}, MOST_BYTES + size)
    bits = np.frombuffer(base64.b64decode(told["bits"]), dtype=np.uint8)
    passed: NDArray[np.bool_] = np.unpackbits(bits, count=rows).astype(bool)
    return passed


def _asked(job: Mapping[str, Any], most_bytes: int) -> Mapping[str, Any]:
    with POOL.asked(job, _START) as (worker, begun):
        if isinstance(begun, Ended):
            raise DecodingError(
                f"the process that runs conditions cannot start ({name_of(begun.code)}):"
                f" {worker.last_words or 'it said nothing'}"
            )
        told = worker.hear(time.monotonic() + SECONDS, most_bytes)
        if isinstance(told, Ended):
            raise _lost(told)
    if "failed" in told:
        raise failure_from(told["failed"], "the process of conditions")
    if "refused" in told:
        raise wrong(_note(told["refused"]))
    return told


def wrong(why: Note) -> ConfigError:
    """What is wrong with a condition."""
    return ConfigError(Note("where", why=why))


def _note(told: Mapping[str, Any]) -> Note:
    """A note as the process tells it: JSON has lists for tuples."""
    facts = told["facts"].items()
    return Note(told["code"], **{n: tuple(v) if isinstance(v, list) else v for n, v in facts})


def _lost(ended: Ended) -> MmindexError:
    """What is said of a condition in whose middle its process ended."""
    if ended.why is Why.SILENT or ended.code == -ALARM:
        return wrong(Note("where-slow", seconds=int(SECONDS)))
    if ended.why is Why.TOO_BIG or ended.code in (NO_MEMORY, -KILL):
        return wrong(Note("where-memory"))
    return ConditionError(name_of(ended.code))
