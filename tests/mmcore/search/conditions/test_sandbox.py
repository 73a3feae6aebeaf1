"""The process alone: its conditions were not looked at before, as if the grammar let all pass."""

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from mmcore.errors import ConditionError, ConfigError
from mmcore.processes.process import Ended, Process, Why
from mmcore.processes.telling import WorkerError
from mmcore.search.conditions import sandbox
from mmcore.search.conditions.bounds import ITEMS, NO_MEMORY, PLACE
from mmcore.search.conditions.sandbox import columns_in, passing


@pytest.fixture
def tables(tmp_path):
    """Ten items with a number each."""
    return {ITEMS: {PLACE: column(tmp_path, "p"), "number": column(tmp_path, "n")}}


def column(folder, name):
    """The numbers from 0 to 9, as a file."""
    table = pa.table({"column": pa.array(range(10))})
    with pa.ipc.new_file(str(folder / name), table.schema) as writer:
        writer.write_table(table)
    return folder / name


@pytest.fixture
def secret(tmp_path):
    """A file that nobody may read."""
    path = tmp_path / "secret.csv"
    path.write_text("a,b\n1,2\n")
    return path


def test_places_pass(tables):
    """One truth a place."""
    assert np.flatnonzero(passing("number > 6", tables, 10)).tolist() == [7, 8, 9]
    assert passing("number > 6", tables, 10).shape == (10,)


@pytest.mark.parametrize(
    "attack",
    [
        "EXISTS (SELECT 1 FROM read_csv('{file}'))",
        "EXISTS (SELECT 1 FROM read_text('{file}'))",
        "EXISTS (SELECT 1 FROM read_blob('{file}'))",
        "EXISTS (SELECT 1 FROM '{file}')",
        "EXISTS (SELECT 1 FROM glob('{folder}/*'))",
        "EXISTS (SELECT 1 FROM read_parquet('http://127.0.0.1:1/x'))",
        "EXISTS (SELECT 1 FROM passed_tables)",
        "getenv('HOME') <> ''",
        "true); COPY (SELECT 1) TO '{folder}/out.csv'; SELECT (true",
        "true); COPY items FROM '{file}'; SELECT (true",
        "true); EXPORT DATABASE '{folder}/out'; SELECT (true",
        "true); ATTACH '{folder}/out.db'; SELECT (true",
        "true); INSTALL httpfs; SELECT (true",
        "true); LOAD httpfs; SELECT (true",
        "true); LOAD '{file}'; SELECT (true",
        "true); SET enable_external_access = true; SELECT (true",
        "true); SET memory_limit = '100GB'; SELECT (true",
        "true); SET temp_directory = '{folder}/out'; SELECT (true",
        "true); RESET enable_external_access; SELECT (true",
        "true); CREATE SECRET (TYPE s3); SELECT (true",
    ],
)
def test_duckdb_reaches_nothing(attack, tables, secret):
    """No file is read or written, nothing is loaded, attached or set, no variable is read."""
    before = sorted(path.name for path in secret.parent.iterdir())
    text = attack.format(file=secret, folder=secret.parent)
    passed_tables = pa.table({"a": [1]})  # a variable of the caller's, by its name

    with pytest.raises(ConfigError, match="where: "):
        passing(text, tables, 10)

    assert sorted(path.name for path in secret.parent.iterdir()) == before
    assert passed_tables.num_rows == 1
    assert passing("number = 1", tables, 10).sum() == 1


def test_one_condition_leaves_nothing_to_the_next(tables):
    """What one made in the database is gone."""
    with pytest.raises((ConfigError, WorkerError)):  # it also answers with other columns
        passing("true); CREATE TABLE mine (a INT); SELECT (true", tables, 10)
    with pytest.raises(ConfigError, match="mine"):
        passing("EXISTS (SELECT 1 FROM mine)", tables, 10)


def test_what_takes_too_long_is_killed(tables, monkeypatch):
    """And the next condition gets another process."""
    passing("number > 6", tables, 10)
    monkeypatch.setattr(sandbox, "SECONDS", 0.3)
    with pytest.raises(ConfigError, match="took longer"):
        passing("(SELECT sum(hash(a) % 7) FROM range(9000000000000) t(a)) = 0", tables, 10)
    monkeypatch.undo()

    assert passing("number > 6", tables, 10).sum() == 3


@pytest.mark.parametrize(
    ("code", "why", "kind", "said"),
    [
        (-signal.SIGSEGV, Why.BY_ITSELF, ConditionError, r"ended \(SIGSEGV\)"),
        (1, Why.BY_ITSELF, ConditionError, r"ended \(exit code 1\)"),
        (-signal.SIGKILL, Why.SILENT, ConfigError, "took longer"),
        (-signal.SIGALRM, Why.BY_ITSELF, ConfigError, "took longer"),
        (-signal.SIGKILL, Why.TOO_BIG, ConfigError, "more memory"),
        (-signal.SIGKILL, Why.BY_ITSELF, ConfigError, "more memory"),
        (NO_MEMORY, Why.BY_ITSELF, ConfigError, "more memory"),
    ],
)
def test_how_the_process_ended_is_told(code, why, kind, said):
    """Time and memory are what the condition asks too much of; a crash is no fault of it."""
    error = sandbox._lost(Ended(code, why))

    assert type(error) is kind
    assert re.search(said, str(error))


def test_a_crash_is_told_as_one(tables, monkeypatch):
    """Of the process that runs a condition; the next one gets another."""
    hear = Process.hear

    def heard(self, *limits):
        told = hear(self, *limits)
        if not isinstance(told, Ended) and "begun" in told:
            os.kill(self.number, signal.SIGSEGV)
        return told

    slow = "(SELECT sum(hash(a) % 7) FROM range(9000000000000) t(a)) = 0"
    monkeypatch.setattr(Process, "hear", heard)
    with pytest.raises(ConditionError, match="SIGSEGV"):
        passing(slow, tables, 10)
    monkeypatch.undo()

    assert passing("number > 6", tables, 10).sum() == 3


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the system bounds memory on Linux")
def test_what_takes_too_much_memory_is_stopped(tables):
    """Of texts, which DuckDB's own limit does not see, and of what it does."""
    long = "(SELECT max(length(repeat('a', 2000000000 - a::INT))) FROM range(9) t(a)) > 0"
    many = "(SELECT count(DISTINCT hash(a)) FROM range(400000000) t(a)) = 0"
    for text in (long, many):
        with pytest.raises(ConfigError, match=r"memory|longer|[Ss]ize"):
            passing(text, tables, 10)

    assert passing("number > 6", tables, 10).sum() == 3


@pytest.mark.parametrize(
    "sign",
    [pytest.param("(", marks=pytest.mark.slow), "[", "{'a':", "NOT ", "-", "CASE WHEN ", "lower("],
)
def test_a_parser_that_is_led_astray_harms_nobody(sign, tables):
    """Ten thousand signs that open something, and close nothing."""
    with pytest.raises(ConfigError, match="where: "):
        columns_in(sign * (9000 // len(sign)))

    assert passing("number > 6", tables, 10).sum() == 3


@pytest.mark.parametrize(
    "text",
    [
        "true) UNION ALL (SELECT 1",
        "true) ORDER BY (number",
        "true) LIMIT (1",
        "true) GROUP BY (number",
        "true) QUALIFY (true",
        "true) USING SAMPLE (1",
        "true); SELECT (1",
        "true); DROP TABLE items; SELECT (1",
    ],
)
def test_it_is_one_condition_and_nothing_else(text):
    """Brackets that close ours open nothing of another statement."""
    with pytest.raises(ConfigError, match=r"one condition|syntax error"):
        columns_in(text)


def test_brackets_that_close_ours_may_go_on():
    """What is parsed is what is run, so it cannot mean another thing there."""
    assert sorted(columns_in("a = 1) OR (b = 2 -- so")) == [("a",), ("b",)]


@pytest.mark.skipif(sys.platform != "linux", reason="the system bounds files on Linux")
def test_the_process_can_write_no_file(tmp_path):
    """Whatever DuckDB would let pass: the system refuses each byte."""
    path = tmp_path / "out"
    code = (
        "import sys; from pathlib import Path; from mmcore.search.conditions import worker;"
        " worker._bound(); Path(sys.argv[1]).write_text('x')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert "File too large" in done.stderr
    assert path.stat().st_size == 0


def test_many_ask_at_once(tables):
    """Each gets its own answer."""
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda n: passing(f"number = {n}", tables, 10), range(10))

    assert [np.flatnonzero(one).tolist() for one in found] == [[n] for n in range(10)]
