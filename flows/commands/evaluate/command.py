"""What `mmindex evaluate`, `history` and `compare` do."""
# ruff: noqa: PLC0415 - each loads what it needs

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape
from typing import Any, Final

from flows.commands import running
from flows.commands.evaluate import show
from flows.config.evaluate import EvaluateConfig
from flows.orchestration.unrecorded import recorded
from flows.stages.blocked import naming_blocked
from flows.stages.checks import check_notify
from flows.terminal.language import language_of
from flows.terminal.overrides import valid
from flows.terminal.printing import OUT, print_json
from mmcore.errors import ConfigError
from mmcore.media.reasons import Language
from storage import candidates, history
from storage.history import Entry
from storage.layout import Layout
from storage.manifest import Manifest
from storage.places.place import place_of
from storage.published import manifest_of

_OF_ANY_SET: Final = "*/"


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is told."""

    lang: str | None = None
    as_json: bool = False
    as_csv: bool = False

    @property
    def language(self) -> Language:
        """Of the option, or the locale."""
        return language_of(self.lang, os.environ)


def run_evaluate(settings: Mapping[str, Any], manner: Manner) -> int:
    """`mmindex evaluate`: the flow `evaluate-retrieval`, watched; the exit code."""
    language = manner.language
    config = valid(EvaluateConfig, settings)
    check_notify(config.notify)
    chosen(Layout(config.lake_root()), _name(config))  # before anybody waits for a server
    with running.watching("flows.evaluate_retrieval", language=language, lake=config.lake_root()):
        from flows.evaluate_retrieval import evaluate_retrieval

        result = recorded(evaluate_retrieval, config)
    if manner.as_json:
        print_json(result.model_dump(mode="json"))
    else:
        show.evaluated(OUT, result, language)
    return result.exit_code


def _name(config: EvaluateConfig) -> str | None:
    return config.run if config.snapshot is None else str(config.snapshot)


def chosen(layout: Layout, name: str | None) -> Manifest:
    """The manifest of a snapshot, by its number, or of a candidate, by its run.

    None is what serves. NoLakeError or ConfigError where there is no such one.
    """
    if name is None or name.isdecimal():
        with naming_blocked(layout):
            return manifest_of(layout, None if name is None else int(name))
    manifest = candidates.refused(layout, name)
    if manifest is None:
        raise ConfigError(
            f"{layout.root} has no snapshot, and no blocked candidate, {name!r}: `mmindex"
            " snapshots list` names them"
        )
    return manifest


def run_history(lake: str, wanted: tuple[str, str, int], manner: Manner) -> None:
    """`mmindex history`: the newest evaluations; ConfigError where there is none.

    ``wanted``: a glob of directions, a measure, and how many. Where no direction of the
    lake's own queries is like the glob, those of any query set are.
    """
    direction, measure, most = wanted
    layout = Layout(place_of(lake))
    entries = history.read(layout)[-most:]
    if not entries:
        manifest_of(layout)  # no lake, or none yet
        raise ConfigError(f"{layout.root} has no history yet: `mmindex evaluate` begins it")
    globs = [direction] if "/" in direction else [direction, f"{_OF_ANY_SET}{direction}"]
    found = _first_shown(entries, globs, measure)
    if not any(means for _, means in found) and any(entry.scores for entry in entries):
        raise ConfigError(_unknown(entries, direction, measure))
    if manner.as_json:
        print_json([_told(entry, means) for entry, means in found])
    elif manner.as_csv:
        _print_csv(found, measure)
    else:
        show.history(OUT, found, measure, manner.language)
        show.of_sets(OUT, sorted(_sets(means for _, means in found)), manner.language)


def _first_shown(
    entries: Sequence[Entry], globs: Sequence[str], measure: str
) -> list[tuple[Entry, dict[str, float]]]:
    """Each entry with its means, by the first glob that names any."""
    found: list[tuple[Entry, dict[str, float]]] = []
    for glob in globs:
        found = [(entry, matching(entry, glob, measure)) for entry in entries]
        if any(means for _, means in found):
            break
    return found


def matching(entry: Entry, direction: str, measure: str) -> dict[str, float]:
    """Direction → mean, of the directions that a glob names; ``->`` is an arrow there.

    Those of a user's set only where it has a slash, too, or is that set's name: ``shop/*``,
    ``shop``.
    """
    pattern = direction.replace("->", "→")
    if pattern in _sets([entry.scores]):
        pattern = f"{escape(pattern)}/*"
    known = entry.scores if "/" in pattern else history.held_out(entry.scores)
    return {
        name: means[measure]
        for name, means in known.items()
        if measure in means and fnmatchcase(name, pattern)
    }


def _sets(scores: Iterable[Iterable[str]]) -> set[str]:
    """The user's query sets that names of directions are of."""
    return {name.partition("/")[0] for names in scores for name in names if "/" in name}


def _unknown(entries: Iterable[Entry], direction: str, measure: str) -> str:
    names, known = set[str](), set[str]()
    for entry in entries:
        names |= set(entry.scores)
        known |= {name for means in entry.scores.values() for name in means}
    if measure not in known:
        return f"no evaluation has the measure {measure!r}; there are: {', '.join(sorted(known))}"
    return f"no direction is like {direction!r}; there are: {', '.join(sorted(names))}"


def _told(entry: Entry, means: Mapping[str, float]) -> dict[str, Any]:
    return entry.model_dump(mode="json") | {"shown": dict(means)}


def _print_csv(found: Iterable[tuple[Entry, Mapping[str, float]]], measure: str) -> None:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    first = ("when", "snapshot", "run", "trigger", "verdict", "baseline", "config")
    lines.writerow([*first, "direction", "queries", measure])
    for entry, means in found:
        told = [entry.when.isoformat(), *(getattr(entry, name) for name in first[1:])]
        lines.writerows(
            [*told, name, entry.queries.get(name, ""), value] for name, value in means.items()
        )


def run_compare(
    names: tuple[str, str], settings: Mapping[str, Any], manner: Manner, *, stored: bool
) -> bool:
    """`mmindex compare`: whether the second one would not be blocked; writes nothing."""
    config = valid(EvaluateConfig, settings)
    layout, language = Layout(config.lake_root()), manner.language
    before, after = (chosen(layout, name) for name in names)
    if stored:
        scores = _stored(before, after)
        if manner.as_json:
            print_json(scores)
        else:
            show.stored(OUT, names, scores)
        return True
    from flows.commands.evaluate.comparing import compared

    verdict = compared(config, before, after)
    if manner.as_json:
        print_json(verdict.model_dump(mode="json"))
    else:
        show.judged(OUT, verdict, names, language)
    return verdict.status != "block"


def _stored(before: Manifest, after: Manifest) -> dict[str, dict[str, list[float]]]:
    """Direction → measure → both means; ConfigError where they were measured otherwise."""
    one, other = before.evaluation, after.evaluation
    if one is None or other is None:
        raise ConfigError("one of the two was never evaluated: compare them without --stored")
    for name, what in (("config", "other measures"), ("sets", "other query sets")):
        if getattr(one, name) != getattr(other, name):
            raise ConfigError(
                f"they were measured with {what}: what is stored of them cannot be compared;"
                " without --stored both are measured anew"
            )
    return {
        direction: {
            measure: [means[measure], other.scores[direction][measure]]
            for measure in means
            if measure in other.scores[direction]
        }
        for direction, means in one.scores.items()
        if direction in other.scores
    }
