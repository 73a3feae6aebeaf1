"""A report without the queries and examples that show what was erased."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mmcore.evaluation.scores import Direction, Report, Worst

_CUT = "…"  # at the end of a text that was shortened
_FEWEST = 12  # letters of a text's beginning by which it is known


class Shown:
    """Tells whether a string of a report shows something of the erased."""

    def __init__(self, names: Iterable[str], texts: Iterable[str]) -> None:
        """``names``: paths, keys and content ids; ``texts``: of contents, each whole."""
        self._names = frozenset(names)
        self._lines = frozenset(" ".join(text.split()) for text in texts)

    def __call__(self, shown: str) -> bool:
        """Whether ``shown`` is a name, or a text, also a shortened one or a part at its start."""
        head = shown.removesuffix(_CUT)
        if shown in self._names or head in self._lines:
            return True
        return len(head) >= _FEWEST and any(line.startswith(head) for line in self._lines)


def without(report: Report, shown: Shown, contents: Collection[str]) -> Report:
    """The report with the worst queries, and those that found nothing, of others alone.

    Scores and counts stay: they were measured with what is gone now.
    """
    directions = [_without(one, shown, contents) for one in report.directions]
    return report.model_copy(update={"directions": directions})


def _without(direction: Direction, shown: Shown, contents: Collection[str]) -> Direction:
    return direction.model_copy(
        update={
            "worst": [one for one in direction.worst if not any(map(shown, _strings(one)))],
            "without_results": [c for c in direction.without_results if c not in contents],
        }
    )


def _strings(worst: Worst) -> list[str]:
    return [worst.query, worst.first, *worst.expected]
