"""`mmindex history`: which directions it shows where nobody names any."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.evaluate import command as evaluation
from mmcore.errors import ConfigError
from storage import history
from storage.layout import Layout

OF_SET = {"shop/text:en→fused": {"RR": 0.5}, "shop/text:zh→fused": {"RR": 0.25, "AP@100": 0.5}}
OWN = {"text:en→image": {"RR": 0.75}}


@pytest.fixture
def keep(tmp_path):
    """Keep an evaluation of snapshot N: which scores it came to."""

    def one(number, scores):
        entry = history.Entry(
            when=datetime(2026, 11, number, tzinfo=UTC),
            snapshot=number,
            run=f"run-{number}",
            trigger="index",
            config="",
            scores=scores,
            verdict="unmeasured",
        )
        history.append(Layout(tmp_path), entry)

    return one


def told(lake, *options):
    """What the command prints, once it ended well."""
    result = CliRunner().invoke(app, ["history", "--lake", str(lake), "--lang", "en", *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def shown(lake, *options):
    """The directions of each evaluation, as programs get them."""
    return [list(one["shown"]) for one in json.loads(told(lake, "--json", *options))]


def test_a_set_of_ones_own_is_shown_where_nothing_else_is_measured(tmp_path, keep):
    """With a line that says whose directions these are; an evaluation without any has a dash."""
    keep(1, {})
    keep(2, OF_SET)

    first, second, line = told(tmp_path).splitlines()[1:]

    assert "–" in first
    assert "0.375" in second
    assert line == "directions of query sets of your own: shop"


def test_the_lakes_own_queries_come_first(tmp_path, keep):
    """As soon as one evaluation measured them: a set that is added moves no figure."""
    keep(1, OF_SET)
    keep(2, OWN | OF_SET)

    assert shown(tmp_path) == [[], ["text:en→image"]]
    assert "shop" not in told(tmp_path)


@pytest.mark.parametrize("glob", ["shop", "shop/*"])
def test_a_set_is_named_with_or_without_its_slash(tmp_path, keep, glob):
    """All its directions, and no others."""
    keep(1, OWN | OF_SET)

    assert shown(tmp_path, "--direction", glob) == [sorted(OF_SET)]


def test_a_measure_that_sets_alone_have_is_shown(tmp_path, keep):
    """Named without a direction."""
    keep(1, OWN | OF_SET)

    assert shown(tmp_path, "--measure", "AP@100") == [["shop/text:zh→fused"]]


def test_a_direction_is_named_without_its_set_as_in_a_rule_of_the_gate(tmp_path, keep):
    """Where the lake's own queries have none that is called so."""
    keep(1, OWN | OF_SET)

    assert shown(tmp_path, "--direction", "text:zh->fused") == [["shop/text:zh→fused"]]
    assert shown(tmp_path, "--direction", "text:en->*") == [["text:en→image"]]


def test_a_direction_that_is_named_has_to_be_there(tmp_path, keep):
    """The error lists those that are, of sets too."""
    keep(1, OF_SET)

    with pytest.raises(ConfigError, match=r"no direction is like 'audio->\*'.*shop/text:en→"):
        evaluation.run_history(str(tmp_path), ("audio->*", "RR", 5), evaluation.Manner())
