import csv
import io
import json

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.evaluate import command as evaluation
from mmcore.errors import ConfigError
from mmcore.evaluation.gating.rules import GateSpec
from storage import history
from storage.errors import NoLakeError
from storage.published import current
from tests.flows.gate.conftest import HERE

STRICT = GateSpec(rules=("all RR: max_drop = 0.01, min = 1",))


@pytest.fixture
def two(nights):
    """Two nights, the second a little larger."""
    nights.first()
    nights.add(40, 2)
    nights.index()
    return nights


def told(*arguments):
    """What a command prints, once it ended well."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.stdout


def compared(nights, names=("1", "2"), *, stored=False, **settings):
    """`mmindex compare`, on the encoders of this process."""
    config = {"lake": str(nights.lake.root), "runtime": HERE} | settings
    return evaluation.run_compare(names, config, evaluation.Manner(lang="en"), stored=stored)


def test_history_shows_every_evaluation(two):
    """Newest last: what it was for, the mean, how it moved, and the verdict."""
    lines = told("history", "--lake", two.lake.root, "--lang", "en").splitlines()

    assert [line.split()[2:4] for line in lines[1:]] == [["1", "index"], ["2", "index"]]
    assert lines[1].endswith("unmeasured")
    assert lines[2].endswith("pass")


def test_history_for_programs_has_everything(two):
    """Each entry as it is kept, and the means that were asked for."""
    found = json.loads(told("history", "--lake", two.lake.root, "--json"))

    entry = history.read(two.lake)[1]
    assert found[1]["scores"] == entry.scores
    assert found[1]["shown"] == {name: of["RR"] for name, of in entry.scores.items()}


def test_history_as_a_table_has_a_line_for_each_direction(two):
    """Of those that the glob names, with the queries it was asked with."""
    text = told("history", "--lake", two.lake.root, "--csv", "--direction", "text:zh->*")
    rows = list(csv.DictReader(io.StringIO(text)))

    names = {name for name in history.read(two.lake)[0].scores if name.startswith("text:zh→")}
    assert {row["direction"] for row in rows} == names
    assert {row["snapshot"] for row in rows} == {"1", "2"}
    assert all(int(row["queries"]) >= 5 and 0 <= float(row["RR"]) <= 1 for row in rows)


def test_history_has_as_many_as_are_wanted(two):
    """The newest."""
    (one,) = json.loads(told("history", "--lake", two.lake.root, "-n", 1, "--json"))

    assert one["snapshot"] == 2


@pytest.mark.parametrize("wanted", [("*", "Hits@3", 5), ("audio->*", "RR", 5)])
def test_history_names_what_there_is(two, wanted):
    """An unknown measure or direction is an error that lists the known ones."""
    with pytest.raises(ConfigError, match="there are"):
        evaluation.run_history(str(two.lake.root), wanted, evaluation.Manner())


def test_a_lake_without_history_says_so(nights):
    """And one that is none is no lake."""
    with pytest.raises(NoLakeError):
        evaluation.run_history(str(nights.lake.root), ("*", "RR", 5), evaluation.Manner())


def test_a_comparison_writes_nothing(two):
    """Neither report nor history nor what a killed run would go on with."""
    before = {path: path.stat().st_mtime_ns for path in two.lake.root.rglob("*") if path.is_file()}

    assert compared(two)

    after = {path: path.stat().st_mtime_ns for path in two.lake.root.rglob("*") if path.is_file()}
    assert after == before


def test_a_comparison_judges_as_the_gate_would(two):
    """By the rules that are said; code 3 is for what would be blocked."""
    assert compared(two)
    assert not compared(two, gate=STRICT)


def test_a_comparison_takes_runs_of_blocked_candidates(two):
    """By their names, as `mmindex snapshots list` gives them."""
    two.add(42, 1)
    with pytest.raises(Exception, match="not published") as caught:
        two.index(gate=STRICT)

    assert compared(two, ("2", caught.value.run))
    with pytest.raises(ConfigError, match="no snapshot"):
        compared(two, ("2", "other"))


def test_stored_scores_are_compared_where_they_can_be(two, capsys):
    """Side by side, as the manifests tell them; nothing is measured."""
    assert compared(two, stored=True)

    assert "→" in capsys.readouterr().out


def test_stored_scores_of_other_measures_are_refused(two):
    """They were not made alike."""
    two.index(evaluation={"min_queries": 5, "cutoffs": (1, 10), "latency_queries": 0})
    assert current(two.lake) == 3

    with pytest.raises(ConfigError, match="other measures"):
        compared(two, ("2", "3"), stored=True)


def test_the_commands_stand_in_the_help():
    """Each with its own line."""
    text = told("--help")

    for name in ("evaluate", "history", "compare"):
        assert name in text
