"""How trainings and models look on a terminal, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from flows.commands.evaluate.show_scores import scores
from flows.config.train import PromoteResult, TrainResult
from flows.terminal.chinese import told as told_line
from flows.terminal.tables import grid
from flows.terminal.wrapping import plain
from mmcore.counting import Number, numbered
from mmcore.media.reasons import Language
from tasks.promote_verdict import TOLD
from tasks.simple_fusions import name_of

NOTHING: Final = "–"
WIDEST: Final = 1000  # cells that a table may have where it is measured
WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "promoted": "[green]promoted[/] {what}: snapshot {snapshot} serves",
            "refused": "[yellow]not promoted[/] {what}: snapshot {snapshot} still serves",
            "stored": "stored {what}, not to be promoted: snapshot {snapshot} still serves",
            "back": "[green]back to[/] {what}: snapshot {snapshot} serves",
            "unchanged": "nothing changed: snapshot {snapshot} still serves, with {what}",
            "why": "why",
            "models": "models",
            "pairs": "learned from",
            "won": "won",
            "fusion": "fusion",
            "compared": "held out",
            "over": "mean RR {before} → {after} over {count} {count:direction|directions}",
            "uncompared": "nothing to compare: no direction is scored in both",
            "known": "known: {source}→{target}",
            "remembered": "RR {before:.3f} → {after:.3f},"
            " {queries} {queries:caption|captions} it was fitted on",
            "unasked": "known captions",
            "unasked-texts": "not checked what it forgets: the lake keeps no texts to ask with",
            "unasked-few": "not checked what it forgets: too few captions it was fitted on",
            "damage": "damaged",
            "replaced": "{models}, which served: replaced, and not compared with",
            "unreplaced": "{models}, which serves: not compared with; → mmindex index replaces it",
            "report": "report",
            "retrieval": "retrieval",
            "direction": "direction",
            "between": ", ",
            "projection": "projection",
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
            "built-in": "built in",
            "contents": "{contents} {contents:content|contents},"
            " {captions} {captions:caption|captions}",
            "because": "{model}: {reason}",
        },
        "zh": {
            "promoted": "[green]已启用[/] {what}：现由快照 {snapshot} 提供服务",
            "refused": "[yellow]未启用[/] {what}：仍由快照 {snapshot} 提供服务",
            "stored": "已保存 {what}，按要求不启用：仍由快照 {snapshot} 提供服务",
            "back": "[green]已恢复[/] {what}：现由快照 {snapshot} 提供服务",
            "unchanged": "没有变化：仍由快照 {snapshot} 提供服务，使用 {what}",
            "why": "原因",
            "models": "模型",
            "pairs": "训练数据",
            "won": "胜出",
            "fusion": "融合",
            "compared": "留出集",
            "over": "{count} 个方向的平均 RR：{before} → {after}",
            "uncompared": "无法比较：没有一个方向两边都有得分",
            "known": "已学过：{source}→{target}",
            "remembered": "RR {before:.3f} → {after:.3f}，{queries:,} 条训练过的文字说明",
            "unasked": "已学过",
            "unasked-texts": "未检查是否遗忘：数据湖不保存可用于查询的文本",
            "unasked-few": "未检查是否遗忘：训练过的文字说明太少",
            "damage": "已损坏",
            "replaced": "原来使用的 {models}：已被替换，未与它比较",
            "unreplaced": "正在使用的 {models}：未与它比较；→ mmindex index 会将它替换",
            "report": "报告",
            "retrieval": "检索报告",
            "direction": "方向",
            "between": "、",
            "projection": "投影",
            "note": "说明",
            "refusal": "→ 仍要启用：mmindex models promote {model} --force",
            "store": "→ mmindex models promote {model}",
            "head": "快照 {snapshot} 使用投影 {projection}、融合 {fusion}",
            "none": "无",
            "empty": "还没有模型：有配对时 `mmindex index` 会拟合一个，`mmindex train` 能学到更多",
            "columns": "模型,时间 (UTC),类型,训练数据,RR,状态,输入编码器的许可证",
            "serves-state": "使用中",
            "served-state": "曾使用",
            "refused-state": "被拒绝",
            "stored-state": "已保存",
            "trained": "训练",
            "fitted": "拟合",
            "built-in": "内置",
            "contents": "{contents:,} 个内容、{captions:,} 条文字说明",
            "because": "{model}：{reason}",
        },
    }
)

Words = Mapping[str, str]


def trained(out: Console, result: TrainResult, language: Language) -> None:
    """The summary of `mmindex train`."""
    words = WORDS[language]
    made = "" if result.status == "unchanged" else words["between"].join(result.models)
    _head(out, result, made or _models(result, words), words)
    table = grid()
    for name, line in (*_learned(result, language), *_judged(result, language)):
        table.add_row(name, line)
    out.print(table)
    if result.scores:
        out.print(scores(result.scores, words["direction"]))
    _way_on(out, result, result.models, words)


def promoted(
    out: Console, result: PromoteResult, language: Language, *, back: bool = False
) -> None:
    """The summary of `mmindex models promote` and, ``back``, of `rollback`."""
    words = WORDS[language]
    _head(out, result, _models(result, words), words, back=back)
    table = grid()
    for name, line in _judged(result, language):
        table.add_row(name, line)
    out.print(table)
    if result.scores:
        out.print(scores(result.scores, words["direction"]))


def _models(result: PromoteResult, words: Words) -> str:
    """``projection/p3, fusion/mean``: what was judged, as `models promote` takes it."""
    named = {"projection": result.projection, "fusion": (result.fusion or "").split(" ")[-1]}
    found = [f"{name}/{version}" for name, version in named.items() if version]
    return words["between"].join(found) or words["none"]


def _head(
    out: Console, result: PromoteResult, what: str, words: Words, *, back: bool = False
) -> None:
    how = "back" if back and result.status == "promoted" else result.status
    said = words[how].format(what=plain(what), snapshot=result.snapshot)
    out.print(f"[bold]mmindex[/] {said}", highlight=False, soft_wrap=True)


def _learned(result: TrainResult, language: Language) -> Iterator[tuple[str, str]]:
    """What was learned from, and what won."""
    words = WORDS[language]
    yield words["pairs"], _pairs(result.pairs, words) or words["none"]
    for model, names in result.won.items():
        won = plain(words["between"].join(names)) or words["none"]
        yield words["won"], words["because"].format(model=words.get(model, model), reason=won)
    for note in result.notes:
        yield words["note"], f"[yellow]{plain(told_line(note, language))}[/]"


def _pairs(pairs: Mapping[str, int], words: Words) -> str:
    return words["between"].join(f"{count:,} {plain(name)}" for name, count in pairs.items())


def because(told: Mapping[str, Any], language: Language) -> str:
    """Why something does not serve: in the language, where it is a reason of the comparison."""
    known = TOLD[language].get(told.get("why") or "")
    if not known:
        return told_line(str(told["reason"]), language)
    return known.format(**{**told, "names": ", ".join(told["lost"])})


def _judged(result: PromoteResult, language: Language) -> Iterator[tuple[str, str]]:
    """What the comparison said, and why it does not serve."""
    words = WORDS[language]
    yield words["fusion"], plain(result.fusion or words["none"])
    if result.before is not None:
        before, after = _score(result.before), _score(result.after)
        count = Number(len(result.directions))
        yield words["compared"], words["over"].format(before=before, after=after, count=count)
    elif result.status != "unchanged":
        yield words["compared"], words["uncompared"]
    for name, of in result.known.items():
        source, _, target = name.removeprefix("text:").partition("→")
        known = words["known"].format(source=source, target=target)
        yield known, words["remembered"].format(**numbered(asdict(of)))
    if result.unasked:
        yield words["unasked"], f"[yellow]{words[f'unasked-{result.unasked}']}[/]"
    if result.damaged:
        how = "replaced" if result.status == "promoted" else "unreplaced"
        told = words[how].format(models=plain(", ".join(result.damaged)))
        yield words["damage"], f"[yellow]{told}[/]"
    if why := because(result.model_dump(), language):
        yield words["why"], plain(why)
    if result.report:
        ours = isinstance(result, TrainResult) and result.status == "unchanged"
        yield words["retrieval" if ours else "report"], plain(result.report)


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
    fusion = found["fusion"]
    name = fusion and name_of(fusion["name"], fusion["version"], fusion["weights"])
    said = words["head"].format(
        snapshot=found["snapshot"],
        projection=plain(found["projection"] or words["none"]),
        fusion=plain(name or words["none"]),
    )
    out.print(said, highlight=False, soft_wrap=True)
    if not found["models"]:
        out.print(words["empty"], style="dim", highlight=False, soft_wrap=True, markup=False)
        return
    table = _table(found["models"], words)
    if Measurement.get(out, out.options.update(max_width=WIDEST), table).maximum <= out.width:
        out.print(table)
    else:
        _blocks(out, found["models"], words)
    for line in found["models"]:
        if line["reason"] and line["state"] != "serves":
            told = words["because"].format(model=line["model"], reason=because(line, language))
            out.print(plain(told), style="yellow", highlight=False, soft_wrap=True)


def _table(lines: Sequence[Mapping[str, Any]], words: Words) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for name in words["columns"].split(","):
        table.add_column(name, no_wrap=True)
    for line in lines:
        table.add_row(*_row(line, words))
    return table


def _blocks(out: Console, lines: Sequence[Mapping[str, Any]], words: Words) -> None:
    """The same for a narrow terminal: a line for each of a model's columns, below its name."""
    heads = words["columns"].split(",")[1:]
    for line in lines:
        star, name, *values = _row(line, words)
        out.print(f"{star or ' '} [bold]{name}[/]", highlight=False, soft_wrap=True)
        table = grid()
        for head, value in zip(heads, values, strict=True):
            if value not in ("", NOTHING):
                table.add_row(f"  {head}", value)
        out.print(table)


def _row(line: Mapping[str, Any], words: Words) -> Iterator[str]:
    yield "[green]*[/]" if line["state"] == "serves" else ""
    yield plain(line["model"])
    yield (line["when"] or "")[:16].replace("T", " ")
    made = "built-in" if line["built_in"] else "trained" if line["trained"] else "fitted"
    yield " ".join([words[made], plain(line["kind"])]).strip()
    learned = NOTHING if line["built_in"] else words["contents"].format(**numbered(line))
    yield _pairs(line["pairs"], words) or learned
    before = "" if line["before"] is None else f"{line['before']:.3f} → "
    yield before + _score(line["score"])
    yield words[f"{line['state']}-state"]
    licences = {plain(one) for one in line["licences"].values()}
    yield ", ".join(sorted(licences)) or NOTHING
