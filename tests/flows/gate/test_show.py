"""How an evaluation looks on a terminal."""

from io import StringIO

from rich.console import Console

from flows.commands.evaluate import show
from flows.config.evaluate import EvaluateResult


def told(**fields):
    """The lines of a summary after its first one."""
    out = Console(file=StringIO(), width=200)
    given = {"status": "pass", "lake": "lake", "snapshot": 2, "run": "run"}
    show.evaluated(out, EvaluateResult(**given | fields), "en")
    return out.file.getvalue().splitlines()[1:]


def test_sides_of_a_set_that_were_not_measured_are_named():
    """Once each with its queries; a direction alone where the side was measured in others."""
    few = {"shop/text:zh→image": 3, "shop/text:zh→fused": 4, "shop/text:en→video": 1}

    lines = told(too_few=few, scores={"shop/text:en→image": {"RR": 1.0}})

    assert lines == ["too few queries to be measured: shop/text:zh (4), shop/text:en→video (1)"]


def test_nothing_is_said_where_all_was_measured():
    """A set of enough queries needs no line."""
    assert told(scores={"shop/text:en→image": {"RR": 1.0}}) == []
