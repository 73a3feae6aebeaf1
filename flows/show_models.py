"""How trainings and models look on a terminal, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from flows.config import PromoteResult, TrainResult
from flows.show import scores
from flows.wrapping import plain
from mmcore.media.reasons import Language
from tasks.promote_verdict import TOLD

NOTHING: Final = "–"
WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "promoted": "[green]promoted[/] {what}: snapshot {snapshot} serves",
            "refused": "[yellow]not promoted[/] {what}: snapshot {snapshot} still serves",
            "stored": "stored {what}, not to be promoted: snapshot {snapshot} still serves",
            "unchanged": "nothing changed: snapshot {snapshot} still serves",
            "why": "why",
            "models": "models",
            "pairs": "learned from",
            "won": "won",
            "fusion": "fusion",
            "compared": "held out",
            "over": "mean RR {before} → {after} over {count} directions",
            "uncompared": "nothing to compare: no direction is scored in both",
            "known": "known: {source}→{target}",
            "remembered": "RR {before:.3f} → {after:.3f}, {queries:,} captions it was fitted on",
            "unasked": "known captions",
            "unasked-texts": "not checked what it forgets: the lake keeps no texts to ask with",
            "unasked-few": "not checked what it forgets: too few captions it was fitted on",
            "damage": "damaged",
            "replaced": "{models}, which served: replaced, and not compared with",
            "unreplaced": "{models}, which serves: not compared with; → mmindex index replaces it",
            "report": "report",
            "note": "note",
            "refusal": "→ mmindex models promote {model} --force lets it serve all the same",
            "store": "→ mmindex models promote {model}",
            "head": "snapshot {snapshot} serves projection {projection}, fusion {fusion}",
            "none": "none",
            "empty": "no model yet: `mmindex index` fits one where there are pairs, and `mmindex"
            " train` learns more of them",
            "columns": "model,when (UTC),what it is,learned from,RR,state,licences of its inputs",
            "serves-state": "serves",
            "served-state": "served",
            "refused-state": "refused",
            "stored-state": "stored",
            "trained": "trained",
            "fitted": "fitted",
            "contents": "{contents:,} contents, {captions:,} captions",
            "because": "{model}: {reason}",
        },
        "zh": {
            "promoted": "[green]已启用[/] {what}：现由快照 {snapshot} 提供服务",
            "refused": "[yellow]未启用[/] {what}：仍由快照 {snapshot} 提供服务",
            "stored": "已保存 {what}，按要求不启用：仍由快照 {snapshot} 提供服务",
            "unchanged": "没有变化：仍由快照 {snapshot} 提供服务",
            "why": "原因",
            "models": "模型",
            "pairs": "训练数据",
            "won": "胜出",
            "fusion": "融合",
            "compared": "留出集",
            "over": "{count} 个方向的平均 RR：{before} → {after}",
            "uncompared": "无法比较：没有一个方向两边都有分数",
            "known": "已学过：{source}→{target}",
            "remembered": "RR {before:.3f} → {after:.3f}，{queries:,} 条训练过的说明",
            "unasked": "已学过",
            "unasked-texts": "未检查是否遗忘：湖中不保存可用于检索的文本",
            "unasked-few": "未检查是否遗忘：训练过的说明太少",
            "damage": "已损坏",
            "replaced": "原来使用的 {models}：已被替换，未与它比较",
            "unreplaced": "正在使用的 {models}：未与它比较；→ mmindex index 会将它替换",
            "report": "报告",
            "note": "说明",
            "refusal": "→ 仍要启用：mmindex models promote {model} --force",
            "store": "→ mmindex models promote {model}",
            "head": "快照 {snapshot} 使用投影 {projection}、融合 {fusion}",
            "none": "无",
            "empty": "还没有模型：有成对数据时 `mmindex index` 会拟合一个，"
            "`mmindex train` 能学到更多",
            "columns": "模型,时间 (UTC),类型,训练数据,RR,状态,输入编码器的许可证",
            "serves-state": "使用中",
            "served-state": "曾使用",
            "refused-state": "被拒绝",
            "stored-state": "已保存",
            "trained": "训练",
            "fitted": "拟合",
            "contents": "{contents:,} 个内容、{captions:,} 条说明",
            "because": "{model}：{reason}",
        },
    }
)

Words = Mapping[str, str]


def trained(out: Console, result: TrainResult, language: Language) -> None:
    """The summary of `mmindex train`."""
    words = WORDS[language]
    _head(out, result, ", ".join(result.models) or result.fusion or words["none"], words)
    table = _grid()
    for name, line in (*_learned(result, words), *_judged(result, language)):
        table.add_row(name, line)
    out.print(table)
    if result.scores:
        out.print(scores(result.scores))
    _way_on(out, result, result.models, words)


def promoted(out: Console, result: PromoteResult, language: Language) -> None:
    """The summary of `mmindex models promote` and `rollback`."""
    words = WORDS[language]
    what = result.projection or words["none"]
    _head(out, result, f"{what}, {result.fusion or words['none']}", words)
    table = _grid()
    for name, line in _judged(result, language):
        table.add_row(name, line)
    out.print(table)
    if result.scores:
        out.print(scores(result.scores))


def _head(out: Console, result: PromoteResult, what: str, words: Words) -> None:
    said = words[result.status].format(what=plain(what), snapshot=result.snapshot)
    out.print(f"[bold]mmindex[/] {said}", highlight=False, soft_wrap=True)


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _learned(result: TrainResult, words: Words) -> Iterator[tuple[str, str]]:
    """What was learned from, and what won."""
    pairs = ", ".join(f"{count:,} {plain(name)}" for name, count in result.pairs.items())
    yield words["pairs"], pairs or words["none"]
    for model, names in result.won.items():
        yield words["won"], f"{plain(model)}: {plain(', '.join(names)) or words['none']}"
    for note in result.notes:
        yield words["note"], f"[yellow]{plain(note)}[/]"


def because(told: Mapping[str, Any], language: Language) -> str:
    """Why something does not serve: in the language, where it is a reason of the comparison."""
    known = TOLD[language].get(told.get("why") or "")
    if not known:
        return str(told["reason"])
    return known.format(**{**told, "names": ", ".join(told["lost"])})


def _judged(result: PromoteResult, language: Language) -> Iterator[tuple[str, str]]:
    """What the comparison said, and why it does not serve."""
    words = WORDS[language]
    yield words["fusion"], plain(result.fusion or words["none"])
    if result.before is not None:
        before, after = _score(result.before), _score(result.after)
        count = len(result.directions)
        yield words["compared"], words["over"].format(before=before, after=after, count=count)
    elif result.status != "unchanged":
        yield words["compared"], words["uncompared"]
    for name, of in result.known.items():
        source, _, target = name.removeprefix("text:").partition("→")
        known = words["known"].format(source=source, target=target)
        yield known, words["remembered"].format(**asdict(of))
    if result.unasked:
        yield words["unasked"], f"[yellow]{words[f'unasked-{result.unasked}']}[/]"
    if result.damaged:
        how = "replaced" if result.status == "promoted" else "unreplaced"
        told = words[how].format(models=plain(", ".join(result.damaged)))
        yield words["damage"], f"[yellow]{told}[/]"
    if why := because(result.model_dump(), language):
        yield words["why"], plain(why)
    if result.report:
        yield words["report"], plain(result.report)


def _way_on(out: Console, result: PromoteResult, models: Sequence[str], words: Words) -> None:
    """How what does not serve can be made to."""
    how = {"refused": "refusal", "stored": "store"}.get(result.status)
    if how and models:
        said = words[how].format(model=models[0])
        out.print(said, style="green", highlight=False, soft_wrap=True, markup=False)


def _score(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


def listed(out: Console, found: Mapping[str, Any], language: Language) -> None:
    """A row for each version; a star for those that serve, and the reasons below."""
    words = WORDS[language]
    fusion = found["fusion"] or {}
    name = f"{fusion.get('name', '')} {fusion.get('version') or ''}".strip()
    said = words["head"].format(
        snapshot=found["snapshot"],
        projection=plain(found["projection"] or words["none"]),
        fusion=plain(name or words["none"]),
    )
    out.print(said, highlight=False, soft_wrap=True)
    if not found["models"]:
        out.print(words["empty"], style="dim", highlight=False, soft_wrap=True, markup=False)
        return
    out.print(_table(found["models"], words))
    for line in found["models"]:
        if line["reason"] and line["state"] != "serves":
            told = words["because"].format(model=line["model"], reason=because(line, language))
            out.print(plain(told), style="yellow", highlight=False, soft_wrap=True)


def _table(lines: Sequence[Mapping[str, Any]], words: Words) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for name in words["columns"].split(","):
        table.add_column(name, overflow="fold")
    for line in lines:
        table.add_row(*_row(line, words))
    return table


def _row(line: Mapping[str, Any], words: Words) -> Iterator[str]:
    yield "[green]*[/]" if line["state"] == "serves" else ""
    yield plain(line["model"])
    yield (line["when"] or "")[:16].replace("T", " ")
    yield " ".join(
        [words["trained" if line["trained"] else "fitted"], plain(line["kind"])]
    ).strip()
    pairs = ", ".join(f"{count:,} {plain(name)}" for name, count in line["pairs"].items())
    yield pairs or words["contents"].format(**line)
    before = "" if line["before"] is None else f"{line['before']:.3f} → "
    yield before + _score(line["score"])
    yield words[f"{line['state']}-state"]
    licences = {plain(one) for one in line["licences"].values()}
    yield ", ".join(sorted(licences)) or NOTHING
