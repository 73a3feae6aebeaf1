"""What a run came to in a line: the head of its page, and the message of its state in Prefect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from flows.config.evaluate import EvaluateResult
from flows.config.index import IndexResult
from flows.config.maintain import MaintainResult
from flows.config.train import PromoteResult, TrainResult
from flows.telling.summary.marks import both
from flows.telling.summary.words import SAID
from flows.terminal.verdicts import NAMES
from mmcore.evaluation.reporting import words
from mmcore.specs import Spec

Said = tuple[str, str]
"""In English, in Chinese."""

MOST: Final = 600
"""Characters of a message: a finding may name many directions."""


def headline(result: IndexResult | MaintainResult | PromoteResult) -> str:
    """What became of it."""
    name, facts = _named(result)
    return both(name, **facts)


def message(result: Spec, *, private: bool) -> str:
    """The same, with what changed: numbers and names of ours; "" of what it does not know.

    A server keeps it for all who may look; of a ``private`` lake it says no reason in words.
    """
    if isinstance(result, EvaluateResult):
        parts = [_verdict(result), *_of_evaluation(result, private=private)]
    elif isinstance(result, IndexResult | MaintainResult | PromoteResult):
        name, facts = _named(result)
        parts = [_said(name, **facts)]
        parts += _of_index(result) if isinstance(result, IndexResult) else []
        parts += _compared(result) if isinstance(result, PromoteResult) else []
    else:
        return ""
    english, chinese = zip(*parts, strict=True)
    line = " · ".join(dict.fromkeys(("; ".join(english), "；".join(chinese))))
    return line if len(line) <= MOST else f"{line[: MOST - 1]}…"


def _named(result: IndexResult | MaintainResult | PromoteResult) -> tuple[str, dict[str, Any]]:
    """The word of SAID for its status, and what that wants to know."""
    if isinstance(result, MaintainResult):
        count, size = sum(result.files.values()), sum(result.bytes.values()) / 1e6
        one = result.status == "removed" and count == 1
        name = {"unchanged": "nothing"}.get(result.status, result.status)
        return ("removed-1" if one else name), {"count": count, "size": size}
    if isinstance(result, TrainResult) and result.status == "nothing":
        most = max(result.pairs.values(), default=0)
        name = "too-few" if most < result.needed else "too-alike"
        return name, {"pairs": most, "needed": result.needed}
    return result.status, {"snapshot": result.snapshot}


def _of_index(result: IndexResult) -> Iterator[Said]:
    """What changed, what could not be used, what waits, and what the gate said."""
    if changed := changes(result):
        yield changed
    counts = {
        "to-embed" if result.status == "planned" else "embedded": sum(result.new.values()),
        "quarantine": sum(result.quarantined.values()),
        "waiting": result.waiting,
    }
    for name, count in counts.items():
        if count:
            yield _fact(name, f"{count:,}")
    if result.status == "published" and result.verdict not in (None, "pass"):
        yield _gate(result.verdict)


def changes(result: IndexResult) -> Said | None:
    """What became of the items since the snapshot before; None where nothing did."""
    counts = {
        "items-new": result.items_added,
        "items-gone": result.items_gone,
        "items-renamed": result.items_renamed,
        "items-changed": result.items_changed,
    }
    told = [_said(name, count=count) for name, count in counts.items() if count]
    if not told:
        return None
    english, chinese = zip(*told, strict=True)
    items = _said("change")
    return f"{items[0]}: {', '.join(english)}", f"{items[1]}：{'，'.join(chinese)}"


def _compared(result: PromoteResult) -> Iterator[Said]:
    if result.before is not None and result.after is not None:
        yield _fact("compared", f"{result.before:.4f} → {result.after:.4f}")


def _verdict(result: EvaluateResult) -> Said:
    if result.baseline is None:
        return _gate(result.status, result.snapshot)
    english, chinese = _gate(result.status, result.snapshot)
    against = _said("against", baseline=result.baseline)
    return f"{english}, {against[0]}", f"{chinese}，{against[1]}"


def _of_evaluation(result: EvaluateResult, *, private: bool) -> Iterator[Said]:
    """The first finding, or why there can be none; how old it is; what serves again."""
    if result.findings:
        told = words.told(result.findings[0])
        yield told.en.rstrip("."), told.zh.rstrip("。")
    elif result.why and not private:
        why = words.why(result.why)
        yield why.en, why.zh
    if result.stale is not None:
        yield _said("stale", hours=result.stale)
    if result.rolled_back_to is not None:
        yield _said("rolled-back", snapshot=result.rolled_back_to)


def _gate(verdict: str | None, snapshot: int | None = None) -> Said:
    """``Gate: warn``; of a snapshot, ``Snapshot 3: warn``."""
    english, chinese = (NAMES[language][str(verdict)] for language in ("en", "zh"))
    name = _said("gate") if snapshot is None else _said("of-snapshot", snapshot=snapshot)
    return f"{name[0]}: {english}", f"{name[1]}：{chinese}"


def _fact(name: str, value: str) -> Said:
    english, chinese = _said(name)
    return f"{english}: {value}", f"{chinese}：{value}"


def _said(name: str, /, **facts: object) -> Said:
    english, chinese = (said.format(**facts) for said in SAID[name])
    return english, chinese
