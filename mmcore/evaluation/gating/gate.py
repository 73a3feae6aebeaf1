"""The verdict: pure, made of what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

from mmcore.evaluation.gating.compare import Comparison, floors, is_silent
from mmcore.evaluation.gating.paired import ALL, INDEX
from mmcore.evaluation.gating.rules import GateSpec, Rule, Rules
from mmcore.evaluation.gating.shrunk import Scored, shrunk
from mmcore.evaluation.outcomes import Outcome
from mmcore.evaluation.scores import (
    Compared,
    Coverage,
    Drift,
    Finding,
    FindingKind,
    GateVerdict,
    IndexRecall,
    Verdict,
)
from storage.schemas import LENGTH_TOLERANCE

MAX_NORM: Final = max(LENGTH_TOLERANCE.values())
"""How far the length of a vector may be from 1, whatever it is stored as."""

FEW: Final = 20
"""Fewer contents that lose their vectors block nothing, where they are a small share, too."""

SMALL: Final = 0.2
"""More of a medium's contents are no small share; of less than ``FEW_OF`` contents all is."""

FEW_OF: Final = 5

SWITCHED_OFF: Final = "the gate is switched off"
NO_BASELINE: Final = "nothing was published before that it could be compared with"
NOT_KEPT: Final = "no snapshot from before it is kept that it could be compared with"
NONE_STANDS: Final = "no older snapshot stands that it could be compared with: each is blocked"
PARTIAL: Final = "what served is a part of a first run, whose files were no choice of anybody's"
TOO_FEW: Final = "no direction has enough queries that both have"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict is made of; ``before`` None: there is no baseline."""

    comparison: Comparison | None
    drift: Sequence[Drift]
    foreign: Mapping[str, int]  # index → ids that are not live, or live and not in it
    recall: Sequence[IndexRecall]
    coverage: tuple[Sequence[Coverage] | None, Sequence[Coverage]]
    """Before and after, of the contents whose files both have."""
    quarantine: tuple[float | None, float]  # shares of files
    directions: Mapping[str, tuple[str, ...]]  # index or modality/space → directions that use it
    baseline: int | None = None
    promotion: bool = False  # directions may be traded: their drops only warn
    p95: float | None = None
    unmeasured: str = ""  # why nothing could be compared
    parent: int | None = None  # what was published before, whether that is kept or not
    partial: bool = False  # that is a part of a first run: nothing is compared with it
    kept: bool = False  # whether that is there, though nothing is compared with it
    was_measured: bool = False  # the baseline, when it was published
    full: Sequence[Outcome] = ()  # what it scores over all that it holds
    min_queries: int = 1
    scored: Scored | None = None  # by the baseline, over all that it holds
    items: tuple[int, int] = (0, 0)  # that both hold, and those of them with other contents


def judge(evidence: Evidence, spec: GateSpec) -> GateVerdict:
    """Pass, warn, block or unmeasured; what needs no comparison blocks also without one."""
    found = [*_compared(evidence), *_below(evidence, spec), *_sound(evidence, spec)]
    found += [*_counted(evidence, Rules.of(spec)), *_shrunk(evidence, Rules.of(spec))]
    found = [_touching(finding, evidence) for finding in found]
    if not spec.enabled:
        found = [finding.model_copy(update={"action": "warn"}) for finding in found]
    found.sort(key=lambda finding: finding.action != "block")  # stable: else in the order made
    comparison, why = evidence.comparison, _unmeasured(evidence, spec)
    return GateVerdict(
        status=status_of(found, why),
        baseline=evidence.baseline,
        blind=_is_blind(evidence, spec),
        why=why,
        findings=found,
        compared=list(comparison.rows) if comparison else [],
        unproven=list(comparison.unproven) if comparison else [],
        tested=comparison.tested if comparison else 0,
        flips=spec.flips,
        seed=spec.seed,
        items=evidence.items[0],
        items_changed=evidence.items[1],
    )


def failed(why: str, baseline: int | None = None) -> GateVerdict:
    """The verdict where measuring or judging raised: nothing is published."""
    subject = Finding(kind="failed", subject=why, action="block", directions=[ALL])
    return GateVerdict(status="failed", baseline=baseline, why=why, findings=[subject])


def _unmeasured(evidence: Evidence, spec: GateSpec) -> str:
    """Why nothing was compared, "" where something was."""
    if not spec.enabled:
        return SWITCHED_OFF
    if evidence.unmeasured:
        return evidence.unmeasured
    if evidence.comparison is None:
        if evidence.parent is None:
            return NO_BASELINE
        if evidence.partial:
            return PARTIAL
        return NONE_STANDS if evidence.kept else NOT_KEPT
    return "" if evidence.comparison.tested else TOO_FEW


def _is_blind(evidence: Evidence, spec: GateSpec) -> bool:
    """Whether nothing was compared though it should be: what was there before had scores."""
    if not spec.enabled:
        return False
    compared = evidence.comparison
    nothing = compared is not None and not compared.tested and evidence.was_measured
    return bool(evidence.unmeasured) or nothing


def status_of(found: Sequence[Finding], unmeasured: str) -> Verdict:
    """What findings come to; ``unmeasured``: why nothing was compared."""
    if any(finding.action == "block" for finding in found):
        return "block"
    if unmeasured:
        return "unmeasured"
    return "warn" if found else "pass"


def _compared(evidence: Evidence) -> Iterator[Finding]:
    """Directions that are gone, and rows of the test, the largest drop first."""
    comparison = evidence.comparison
    if comparison is None:
        return
    for name in comparison.lost:
        yield Finding(kind="lost", subject=name, action="block", directions=[name])
    for row in sorted(comparison.rows, key=lambda row: -row.drop):
        index, silent = row.direction.startswith(INDEX), row.action and is_silent(row)
        action = row.action
        if action == "block" and evidence.promotion and not index:
            action = "warn"
        if action:
            yield Finding(
                kind="silent" if silent else "recall" if index else "worse",
                subject=row.direction.removeprefix(INDEX),
                measure=row.measure,
                before=row.before,
                after=row.after,
                rule=row.rule,
                action=action,
                directions=[] if index else _fallen(row, comparison),
            )


def _below(evidence: Evidence, spec: GateSpec) -> Iterator[Finding]:
    """What lies below the ``min`` of its rule and was not compared, over all that it holds."""
    rows = evidence.comparison.rows if evidence.comparison else ()
    compared = {(row.direction, row.measure) for row in rows}
    for one in floors(evidence.full, spec, min_queries=evidence.min_queries):
        if (one.name, one.measure) in compared:
            continue
        index = one.name.startswith(INDEX)
        traded = evidence.promotion and not index
        yield Finding(
            kind="recall" if index else "worse",
            subject=one.name.removeprefix(INDEX),
            measure=one.measure,
            after=one.mean,
            rule=one.rule.text,
            action="warn" if traded else one.rule.action,
            directions=[] if index else list(one.directions),
        )


def _shrunk(evidence: Evidence, rules: Rules) -> Iterator[Finding]:
    """Directions that are compared by much less than they were asked with."""
    if evidence.comparison is not None and evidence.scored is not None:
        fewest = max(1, evidence.min_queries)
        yield from shrunk(evidence.scored, evidence.comparison, evidence.full, rules, fewest)


def _fallen(row: Compared, comparison: Comparison) -> list[str]:
    """The direction of a row; of a mean over directions, those that fell, most first."""
    parts = comparison.parts.get(row.direction, ())
    both = {name: comparison.means[name].get(row.measure, (0.0, 0.0)) for name in parts}
    fell = {name: before - after for name, (before, after) in both.items() if before > after}
    return sorted(fell, key=lambda name: -fell[name]) or [row.direction]


def _sound(evidence: Evidence, spec: GateSpec) -> Iterator[Finding]:
    """What is wrong, whatever was there before."""
    for one in evidence.drift:
        subject = f"{one.modality}/{one.space}"
        if not (isfinite(one.norm) and one.norm <= MAX_NORM):
            yield _wrong("norm", subject, 0.0, one.norm)
        if one.changed is not None and one.changed > spec.max_changed:
            yield _wrong("changed", subject, 0.0, one.changed)
    for index in sorted(name for name, count in evidence.foreign.items() if count):
        yield _wrong("ids", index, 0.0, float(evidence.foreign[index]))
    for recall in evidence.recall:
        goal = 1.0 if recall.target is None else recall.target
        if recall.recall < goal - spec.index_slack:
            yield _wrong("floor", recall.index, goal, recall.recall)
    yield from _slow(evidence.p95, spec.max_latency)


def _slow(p95: float | None, most: float) -> Iterator[Finding]:
    if p95 is not None and 0 < most < p95:
        yield Finding(kind="latency", subject="p95", before=most, after=p95, action="warn")


def _wrong(kind: FindingKind, subject: str, due: float, found: float) -> Finding:
    after = found if isfinite(found) else None  # JSON has no infinity
    return Finding(kind=kind, subject=subject, before=due, after=after, action="block")


def _counted(evidence: Evidence, rules: Rules) -> Iterator[Finding]:
    """What is counted, not tested: coverage, quarantine, drift."""
    yield from _covered(evidence, rules)
    rule = rules.for_row("quarantine", ("quarantine",), "share")
    if rule is not None:
        yield from _beyond("quarantine", "quarantine", rule, *evidence.quarantine)
    for one in evidence.drift:
        names = (f"drift:{one.modality}", f"drift:{one.modality}/{one.space}")
        for measure, value, same in (("overlap", one.overlap, 1.0), ("shift", one.shift, 0.0)):
            rule = rules.for_row("drift", names, measure)
            if rule is not None and value is not None:
                yield from _beyond("drift", f"{one.modality}/{one.space}", rule, same, value)


def _covered(evidence: Evidence, rules: Rules) -> Iterator[Finding]:
    """Contents that lost their vectors; a few of many are told of, and block nothing.

    That they are few excuses no share below the ``min`` of the rule.
    """
    before = {one.modality: one for one in evidence.coverage[0] or ()}
    for one in evidence.coverage[1]:
        rule = rules.for_row("coverage", (f"coverage:{one.modality}",), "share")
        share, old = _share(one), before.get(one.modality)
        if rule is None or share is None:
            continue
        was = None if old is None else _share(old)
        few = old is not None and _few(old.embedded, one.embedded)
        few = few and (rule.least is None or share >= rule.least)
        for found in _beyond("coverage", one.modality, rule, was, share):
            yield found.model_copy(update={"action": "warn"}) if few else found


def _few(before: int, after: int) -> bool:
    """Whether so few contents are lost that some bad files may be all there is to it."""
    lost = before - after
    return before < FEW_OF or (lost < FEW and lost <= SMALL * before)


def _share(coverage: Coverage) -> float | None:
    """The share of a modality's contents that can be searched; None without any."""
    return coverage.embedded / coverage.contents if coverage.contents else None


def _beyond(
    kind: FindingKind, subject: str, rule: Rule, before: float | None, after: float
) -> Iterator[Finding]:
    """The finding that ``after`` is beyond what the rule lets it, if it is."""
    moved = None if before is None else after - before
    fell = rule.max_drop is not None and moved is not None and -moved > rule.max_drop
    rose = rule.max_rise is not None and moved is not None and moved > rule.max_rise
    if fell or rose or (rule.least is not None and after < rule.least):
        yield Finding(
            kind=kind,
            subject=subject,
            measure=rule.measure,
            before=before,
            after=after,
            rule=rule.text,
            action=rule.action,
        )


def _touching(finding: Finding, evidence: Evidence) -> Finding:
    """With the directions that it touches, which those of vectors and indexes do not know yet."""
    if finding.directions or finding.kind == "latency":
        return finding
    if finding.kind == "quarantine":
        return finding.model_copy(update={"directions": [ALL]})
    known = evidence.directions
    names = known.get(finding.subject) or known.get(finding.subject.partition("/")[0])
    return finding.model_copy(update={"directions": list(names or (f"*→{finding.subject}",))})
