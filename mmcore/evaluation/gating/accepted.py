"""What a person has accepted of a snapshot: findings that block it no more."""

from __future__ import annotations

from collections.abc import Collection

from mmcore.evaluation.gating.gate import status_of
from mmcore.evaluation.gating.paired import INDEX
from mmcore.evaluation.scores import Compared, Finding, GateVerdict


def refusals(verdict: GateVerdict) -> list[str]:
    """What blocks by a verdict, as an override keeps it: kind, subject and measure of each.

    That something could not be measured is none: its subject is an error's text.
    """
    blocks = (one for one in verdict.findings if one.action == "block" and one.kind != "failed")
    return list(dict.fromkeys(map(_name, blocks)))


def softened(verdict: GateVerdict, accepted: Collection[str]) -> GateVerdict:
    """The verdict in which what was ``accepted`` only warns; what is new blocks as ever."""
    if not accepted:
        return verdict
    findings = [_warning(one) if _name(one) in accepted else one for one in verdict.findings]
    findings.sort(key=lambda finding: finding.action != "block")
    status = verdict.status
    if status == "block":
        status = status_of(findings, verdict.why)
    compared = [_row(row, accepted) for row in verdict.compared]
    told = {"status": status, "findings": findings, "compared": compared}
    return verdict.model_copy(update=told)


def _name(finding: Finding) -> str:
    return " ".join(filter(None, (finding.kind, finding.subject, finding.measure)))


def _warning(finding: Finding) -> Finding:
    return finding.model_copy(update={"action": "warn"})


def _row(row: Compared, accepted: Collection[str]) -> Compared:
    index = row.direction.startswith(INDEX)
    kinds = ("recall",) if index else ("worse", "silent")
    told = f"{row.direction.removeprefix(INDEX)} {row.measure}"
    mine = any(f"{kind} {told}" in accepted for kind in kinds)
    return row.model_copy(update={"action": "warn"}) if mine and row.action == "block" else row
