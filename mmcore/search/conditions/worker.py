"""The process in which conditions are parsed and run: it can be killed, and nothing is lost.

DuckDB gets no access to files or the network, its configuration is locked, and it sees columns
that were laid before it and nothing else. Neither its parser nor a function can be interrupted in
the middle, and the memory of texts under way is in no limit of its own: so the system bounds the
memory and the time of the whole process, and lets it write no file.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from mmcore.processes.serving import Answer, serve
from mmcore.processes.telling import told_failure
from mmcore.search.conditions.bounds import ITEMS, MOST_BYTES, NO_MEMORY, PLACE, SECONDS
from mmcore.search.conditions.grammar import RefusedError, columns_of
from mmcore.search.notes import Note

IDLE: Final = 300.0
"""Seconds without a condition after which it ends by itself."""

_ADVICE: Final = re.compile(r" Use (?:TRY\(|\"SET ).*")
"""DuckDB's, to say what may not be said here."""

_ALARM: Final = 1.5
"""The alarm clock rings this much later than the one who watches should have acted."""

_NOT_ONE: Final = Note("where-one")
_ENDS: Final = Note("where-ends")

_SETTINGS: Final = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
    "memory_limit": "512MB",
    "threads": "1",
    "lock_configuration": "true",
}


def main() -> None:
    """Work until there is no more input."""
    _bound()
    serve(_work, IDLE)


def _work(told: Mapping[str, Any], answer: Answer) -> None:
    answer({"begun": True})
    _alarm(_ALARM * SECONDS)
    try:
        done = _parsed(told["text"]) if "tables" not in told else _run(told)
    except RefusedError as error:
        done = {"refused": {"code": error.note.code, "facts": dict(error.note.facts)}}
    except (MemoryError, duckdb.OutOfMemoryException):
        os._exit(NO_MEMORY)  # who has none left may leave things half done
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told to who asked
        done = {"failed": told_failure(error)}
    _alarm(0.0)
    answer({**done, "finished": True})
    _connection()  # for the next one


def _parsed(text: str) -> dict[str, Any]:
    """The columns that the condition ``text`` names."""
    try:
        node, plain = _tree(text), _tree("true")
        condition = node.pop("where_clause", None)
        plain.pop("where_clause")
        if node != plain:
            raise RefusedError(_NOT_ONE)
        return {"columns": columns_of(condition)}
    except RecursionError as error:
        raise RefusedError(Note("where-deep")) from error


def _tree(text: str) -> dict[str, Any]:
    """The SELECT around a condition, as a tree."""
    sql = f"SELECT 1 FROM {ITEMS} WHERE {_bracketed(text)}"
    ((row,),) = _connection().execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
    told = json.loads(row)
    if told.get("error"):
        if "memory" in told["error_type"].lower():
            raise MemoryError
        if told["error_type"] != "parser":
            raise RefusedError(_NOT_ONE)
        ours = told.get("position") == str(len(sql.encode()) - 1)  # the bracket around it
        raise RefusedError(_ENDS if ours else _said(told["error_message"]))
    if len(told["statements"]) != 1:
        raise RefusedError(_NOT_ONE)
    tree: dict[str, Any] = told["statements"][0]["node"]
    return tree


def _bracketed(text: str) -> str:
    """``text`` as one condition, wherever it ends in a comment; what was parsed is what is run."""
    return f"(\n{text}\n)"


def _run(told: Mapping[str, Any]) -> dict[str, Any]:
    """Which of ``told["rows"]`` places pass, as bits."""
    tables: Mapping[str, Mapping[str, str]] = told["tables"]
    connection, mapped = _connection(), {name: _table(of) for name, of in tables.items()}
    joins = [f'LEFT JOIN {name} USING ("{PLACE}")' for name in tables if name != ITEMS]
    sql = (
        f'SELECT DISTINCT {ITEMS}."{PLACE}" AS place FROM {ITEMS} {" ".join(joins)}'
        f" WHERE {_bracketed(told['text'])}"
    )
    try:
        for name, table in mapped.items():
            connection.register(name, table)
        places = connection.execute(sql).fetchnumpy()["place"]
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise RefusedError(_said(str(error))) from error
    finally:
        _connection.cache_clear()  # the next one begins with nothing
        connection.close()
    passed = np.zeros(told["rows"], dtype=bool)
    passed[places] = True
    return {"bits": base64.b64encode(np.packbits(passed).tobytes()).decode("ascii")}


def _table(columns: Mapping[str, str]) -> pa.Table:
    """Columns by name, each from a file that is mapped, and not read."""
    return pa.table({name: _column(path) for name, path in columns.items()})


def _column(path: str) -> pa.ChunkedArray:
    with pa.memory_map(path) as file:
        return pa.ipc.open_file(file).read_all().column(0)


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """A database in memory that can reach nothing; made once a condition."""
    return duckdb.connect(":memory:", config=_known(_SETTINGS))


@cache
def _names() -> frozenset[str]:
    """The settings that this DuckDB has."""
    with duckdb.connect(":memory:") as plain:
        rows: Sequence[tuple[str]] = plain.execute("SELECT name FROM duckdb_settings()").fetchall()
    return frozenset(name for (name,) in rows)


def _known(settings: Mapping[str, str]) -> dict[str, Any]:
    """Without the setting of replacements where there is none: external access rules it there."""
    optional = "python_enable_replacements"
    return {n: v for n, v in settings.items() if n != optional or n in _names()}


def _said(message: str) -> Note:
    """What DuckDB says, in its words."""
    return Note("where-sql", said=_first_line(message))


def _first_line(message: str) -> str:
    """Without the kind of the error before, the SQL behind, and advice that is of no use here."""
    line = _ADVICE.sub("", message.strip().split("\n")[0])
    kind, found, rest = line.partition(" Error: ")
    return rest if found and kind.replace(" ", "").isalpha() else line


def _alarm(seconds: float) -> None:
    """Let the system end this process then, should nobody who watches it be left."""
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _bound() -> None:
    """Let the system refuse memory beyond the bound, and every byte written to a file (Linux)."""
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - not on Windows

        if sys.platform == "linux":
            bounds = {"RLIMIT_DATA": MOST_BYTES, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
            for what, most in bounds.items():
                limit = getattr(resource, what)
                _, hard = resource.getrlimit(limit)
                bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.setrlimit(limit, (bound, bound))
