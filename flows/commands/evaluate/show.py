"""How evaluations, their history and comparisons look on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape

from flows.commands.evaluate.show_gate import alarms, findings, unproven
from flows.config.evaluate import EvaluateResult
from flows.terminal.tables import bare
from flows.terminal.verdicts import verdict_line
from flows.terminal.wrapping import plain
from mmcore.counting import Number
from mmcore.evaluation.reporting import words
from mmcore.evaluation.scores import Compared, GateVerdict
from mmcore.media.reasons import Language
from storage.history import Entry

SAID: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "snapshot": "snapshot {number}",
        "candidate": "the candidate of run {run}",
        "against": "compared with snapshot {baseline}",
        "stale": "the sources were last looked at {hours:,.1f} hours ago",
        "back": "snapshot {number} serves again",
        "not back": "not rolled back: {why}",
        "not told": "not notified: {who}",
        "report": "report",
        "more": "and {count} {count:row|rows} more: --json has them all",
        "anyway": "snapshot {number} was published all the same by {name}: {reason}",
        "block": "block",
        "warn": "warn",
        "ok": "ok",
        "first": "{first} and {more} more",
        "too few": "too few queries to be measured: {sides}",
        "of sets": "directions of query sets of your own: {sets}",
    },
    "zh": {
        "snapshot": "快照 {number}",
        "candidate": "运行 {run} 的候选",
        "against": "与快照 {baseline} 比较",
        "stale": "上次查看来源是在 {hours:,.1f} 小时之前",
        "back": "快照 {number} 重新提供服务",
        "not back": "没有回滚：{why}",
        "not told": "未能通知：{who}",
        "report": "报告",
        "more": "另有 {count} 行：--json 全部列出",
        "anyway": "快照 {number} 由{name}照样发布，原因：{reason}",
        "block": "拦截",
        "warn": "警告",
        "ok": "正常",
        "first": "{first} 等 {all} 个方向",
        "too few": "查询太少，没有测量：{sides}",
        "of sets": "以上是你自己的查询集的方向：{sets}",
    },
}
HEADS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("direction", "measure", "queries", "before", "after", "fell by", "95 %", "p", ""),
    "zh": ("方向", "指标", "查询", "之前", "之后", "下降", "95 %", "p", ""),
}
NIGHTS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("when (UTC)", "snapshot", "what", "against", "directions", "{measure}", "", "gate"),
    "zh": ("时间（UTC）", "快照", "事件", "基准", "方向", "{measure}", "", "闸门"),
}
ROWS: Final = 24
"""Comparisons that a terminal shows."""

MAIN: Final = "RR"


def evaluated(out: Console, result: EvaluateResult, language: Language) -> None:
    """The summary of `mmindex evaluate`."""
    said = SAID[language]
    what = said["snapshot"] if result.snapshot is not None else said["candidate"]
    line = [what.format(number=result.snapshot, run=plain(result.run))]
    if result.baseline is not None:
        line.append(said["against"].format(baseline=result.baseline))
    out.print(f"[bold]mmindex[/] {', '.join(line)}: {verdict_line(result.status, language)}")
    _why(out, result.why, language)
    _changed(out, result, language)
    findings(out, result.findings, language)
    rows(out, result.compared, language)
    unproven(out, result.unproven, language)
    _too_few(out, result, language)
    if result.stale is not None:
        alarms(out, [said["stale"].format(hours=result.stale)])
    if result.rolled_back_to is not None:
        alarms(out, [said["back"].format(number=result.rolled_back_to)])
    if result.not_rolled_back:
        alarms(out, [said["not back"].format(why=result.not_rolled_back)])
    alarms(out, [said["not told"].format(who=who) for who in result.not_notified])
    if result.report:
        out.print(f"[dim]{said['report']}[/]  {escape(result.report)}", soft_wrap=True)


def _why(out: Console, why: str, language: Language) -> None:
    if why:
        told = getattr(words.why(why), language)
        out.print(plain(told), style="yellow", highlight=False, soft_wrap=True)


def _too_few(out: Console, result: EvaluateResult, language: Language) -> None:
    """What of query sets was not measured: a side that asks in no direction is told once."""
    measured = {name.partition("→")[0] for name in result.scores}
    few: dict[str, int] = {}
    for name, queries in result.too_few.items():
        side = name.partition("→")[0]
        told = name if side in measured else side
        few[told] = max(queries, few.get(told, 0))
    if few:
        sides = ", ".join(f"{name} ({queries:,})" for name, queries in few.items())
        told = SAID[language]["too few"].format(sides=sides)
        out.print(plain(told), style="yellow", highlight=False, soft_wrap=True)


def _changed(out: Console, of: EvaluateResult | GateVerdict, language: Language) -> None:
    """How much of the lake is not compared, as it changed."""
    if of.items_changed:
        items, changed = f"{of.items:,}", f"{of.items_changed:,}"
        told = words.phrase("headline.changed", items=items, changed=changed)
        out.print(plain(getattr(told, language)), highlight=False, soft_wrap=True)


def rows(out: Console, found: Sequence[Compared], language: Language) -> None:
    """What was compared: what fell most first, what came of it last in the line."""
    if not found:
        return
    table = bare()
    heads = HEADS[language]
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place in (0, 1, len(heads) - 1) else "right")
    ordered = sorted(found, key=lambda row: (not row.action, -row.drop))
    for row in ordered[:ROWS]:
        table.add_row(*_cells(row, language))
    out.print(table)
    if len(ordered) > ROWS:
        out.print(f"[dim]{SAID[language]['more'].format(count=Number(len(ordered) - ROWS))}[/]")


def _cells(row: Compared, language: Language) -> tuple[str, ...]:
    style = {"block": "red", "warn": "yellow", "": "dim"}[row.action]
    return (
        escape(row.direction),
        getattr(words.measure(row.measure), language),
        f"{row.queries:,}",
        f"{row.before:.3f}",
        f"{row.after:.3f}",
        words.signed(row.drop),
        f"{words.signed(row.low)} … {words.signed(row.high)}",
        f"{row.adjusted:.3f}",
        f"[{style}]{SAID[language][row.action or 'ok']}[/]",
    )


def judged(out: Console, verdict: GateVerdict, names: Sequence[str], language: Language) -> None:
    """The summary of `mmindex compare`."""
    before, after = (plain(name) for name in names)
    line = verdict_line(verdict.status, language)
    out.print(f"[bold]mmindex[/] {before} → {after}: {line}", highlight=False)
    _why(out, verdict.why, language)
    _changed(out, verdict, language)
    findings(out, verdict.findings, language)
    rows(out, verdict.compared, language)
    unproven(out, verdict.unproven, language)


def stored(
    out: Console, names: Sequence[str], scores: Mapping[str, Mapping[str, Sequence[float]]]
) -> None:
    """What two manifests say of their directions; no test, other queries perhaps."""
    table = bare()
    table.add_column("direction")
    shown = ("Success@1", "Success@10", MAIN)
    for name in shown:
        table.add_column(name, justify="right")
    for direction, measures in scores.items():
        pairs = (measures.get(name) for name in shown)
        cells = ("–" if pair is None else f"{pair[0]:.3f} → {pair[1]:.3f}" for pair in pairs)
        table.add_row(escape(direction), *cells)
    out.print(f"[bold]mmindex[/] {' → '.join(map(plain, names))}", highlight=False)
    out.print(table)


def history(
    out: Console,
    found: Sequence[tuple[Entry, Mapping[str, float]]],
    measure: str,
    language: Language,
) -> None:
    """A line for each evaluation: the mean of a measure, and how it moved."""
    table = bare()
    for place, head in enumerate(NIGHTS[language]):
        left = place in (0, 2, len(NIGHTS[language]) - 1)
        table.add_column(head.format(measure=measure), justify="left" if left else "right")
    last: tuple[object, float] | None = None
    for entry, means in found:
        mean = sum(means.values()) / len(means) if means else None
        kind = (entry.config, entry.sets, sorted(means))
        moved = ""
        if mean is not None:
            if last is not None:
                moved = words.signed(mean - last[1]) if last[0] == kind else "≠"
            last = (kind, mean)
        table.add_row(
            f"{entry.when:%Y-%m-%d %H:%M}",
            str(entry.snapshot),
            getattr(words.trigger(entry.trigger), language),
            "" if entry.baseline is None else str(entry.baseline),
            f"{len(means):,}",
            "–" if mean is None else f"{mean:.3f}",
            moved,
            verdict_line(entry.verdict, language) + _blocked(entry, language),
        )
    out.print(table)
    _overrides(out, [entry for entry, _ in found], language)


def of_sets(out: Console, names: Sequence[str], language: Language) -> None:
    """That what was shown is of query sets, and of which; nothing where it is of none."""
    if not names:
        return
    between = {"en": ", ", "zh": "、"}[language]
    told = SAID[language]["of sets"].format(sets=plain(between.join(names)))
    out.print(told, style="dim", highlight=False, soft_wrap=True)


def _blocked(entry: Entry, language: Language) -> str:
    """The first direction that kept it from serving, and how many there are."""
    if not entry.blocked:
        return ""
    first, count = entry.blocked[0], len(entry.blocked)
    if count > 1:
        first = SAID[language]["first"].format(first=first, more=count - 1, all=count)
    return f" [dim]{escape(first)}[/]"


def _overrides(out: Console, entries: Sequence[Entry], language: Language) -> None:
    for entry in entries:
        if entry.override is not None:
            who = {"name": entry.override.name, "reason": entry.override.reason}
            line = SAID[language]["anyway"].format(number=entry.snapshot, **who)
            out.print(plain(line), style="yellow", highlight=False, soft_wrap=True)
