"""The page of a run of `index-media`."""

from __future__ import annotations

from flows.config.index import IndexResult
from flows.orchestration.run import Run
from flows.telling.summary.line import changes, headline
from flows.telling.summary.marks import (
    both,
    counted,
    facts,
    places,
    plain,
    prose,
    scores,
    section,
    stages,
)
from flows.terminal.verdicts import NAMES
from mmcore.evaluation.reporting import words


def indexed(result: IndexResult, run: Run) -> str:
    """Files, rates, quarantine by reason, what changed, the gate's verdict, where it all is."""
    sign = {"published": "✔", "unchanged": "✔", "planned": "…"}[result.status]
    lines = [
        f"# {sign} {headline(result)}",
        "",
        *facts(_facts(result, run)),
        *prose("" if run.private or not result.why else _phrase(words.why(result.why))),
    ]
    if result.findings:
        lines += [f"## {both('findings')}", ""]
        lines += [f"- {_phrase(words.told(one))}" for one in result.findings] + [""]
    if result.not_notified:
        lines += [f"## {both('untold')}", "", *(f"- {plain(one)}" for one in result.not_notified)]
        lines.append("")
    lines += _quarantine(result)
    lines += _rates(result)
    if result.status != "planned":
        lines += scores(result.scores) + stages(result.seconds)
    return "\n".join(lines)


def _facts(result: IndexResult, run: Run) -> dict[str, str]:
    planned = result.status == "planned"
    changed = changes(result)
    waits = result.erasure is not None and not result.erasure.ended
    return {
        "items": f"{result.items:,}",
        "files": counted(result.files),
        "changed": " · ".join(changed) if changed else "",
        "to-embed" if planned else "embedded": counted(result.new),
        "kept": counted(result.kept) if any(result.kept.values()) else "",
        "segments": counted(result.segments) if result.segments else "",
        "waiting": _number(result.waiting),
        "forgotten": _number(result.forgotten),
        "truncated": _number(result.truncated),
        "mended": _number(len(result.set_aside)),
        "erasure": "**!**" if waits else "",
        "gate": _gate(result),
        **places(run, result.report),
    }


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _gate(result: IndexResult) -> str:
    if result.verdict is None:
        return ""
    said = f"**{result.verdict} · {NAMES['zh'][result.verdict]}**"
    if result.baseline is not None:
        said += f", {both('against', baseline=result.baseline)}"
    return said


def _phrase(phrase: words.Phrase) -> str:
    texts = dict.fromkeys((plain(phrase.en), plain(phrase.zh)))
    return " · ".join(texts)


def _quarantine(result: IndexResult) -> list[str]:
    found = sorted(result.quarantined.items(), key=lambda one: (-one[1], one[0]))
    rows = [(f"`{reason}`", f"{count:,}") for reason, count in found]
    lines = section("quarantine", ("reason", "files"), rows)
    return [*lines, both("quarantine-todo"), ""] if lines else []


def _rates(result: IndexResult) -> list[str]:
    rows = [
        (
            plain(name),
            f"{one.segments:,}",
            f"{one.rate:,.1f}",
            f"{one.busy:.0%}",
            f"{one.waited:.1f}",
            plain(f"{', '.join(dict.fromkeys(one.devices))} {one.dtype}"),
        )
        for name, one in result.work.items()
    ]
    heads = ("encoder", "segments", "rate", "busy", "waited", "devices")
    return section("rates", heads, rows)
