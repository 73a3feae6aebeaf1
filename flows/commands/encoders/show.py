"""How presets, encoders and weights look on a terminal, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from rich.console import Console
from rich.table import Table

from flows.terminal.wrapping import plain
from mmcore.counting import number_of
from mmcore.encoders.listing import EncoderLine, PresetLine, WeightsLine
from mmcore.encoders.weights.convert import Converted
from mmcore.encoders.weights.wanted import Fetched
from mmcore.media.reasons import Language

NOTHING: Final = "–"
MOST: Final = 6  # further weights that are named; --json has all
WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "head": "● is ready to index with; weights are looked for in {root}",
            "columns": "encoder,medium,space,dim,licence",
            "weights": "weights",
            "here": "here, {size} MB",
            "away": "about {size} MB",
            "unsized": "not here",
            "partial": ", partly fetched",
            "others": "others",
            "missing": "the extra {extra} is not installed",
            "alone": "of no preset",
            "text": "text",
            "image": "image",
            "audio": "audio",
            "video": "video",
            "todo": "→ {command}",
        },
        "zh": {
            "head": "● 表示可直接用于索引；权重文件夹：{root}",
            "columns": "编码器,模态,空间,维数,许可证",
            "weights": "权重",
            "here": "已在本机，{size} MB",
            "away": "约 {size} MB",
            "unsized": "不在本机",
            "partial": "，只下载了一部分",
            "others": "其他",
            "missing": "未安装可选依赖 {extra}",
            "alone": "不属于任何预设",
            "text": "文本",
            "image": "图片",
            "audio": "声音",
            "video": "视频",
            "todo": "→ {command}",
        },
    }
)

Words = Mapping[str, str]


def listed(out: Console, lines: Sequence[PresetLine], root: Path, language: Language) -> None:
    """A block for each preset: its encoders, its weights, and what is to be done."""
    words = WORDS[language]
    _say(out, words["head"].format(root=plain(str(root))), style="dim")
    for line in lines:
        out.print()
        _head(out, line, words)
        if line.encoders:
            out.print(_encoders(line.encoders, words))
        for text, style in _below(line, words):
            _say(out, f"  {text}", style=style)


def _say(out: Console, text: str, style: str = "") -> None:
    """A line that is not folded: a path or a command is copied."""
    out.print(text, style=style, highlight=False, soft_wrap=True)


def _head(out: Console, line: PresetLine, words: Words) -> None:
    mark = "[green]●[/]" if line.ready else "○"
    name = plain(line.name) if line.name else words["alone"]
    package = "" if line.package == "mmindex" else plain(line.package)
    said = [plain(line.about), plain(line.languages), package]
    _say(out, "  ".join([f"{mark} [bold]{name}[/]", *(f"[dim]{one}[/]" for one in said if one)]))


def _encoders(encoders: Sequence[EncoderLine], words: Words) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", width=0)
    for name in words["columns"].split(","):
        table.add_column(name, overflow="fold")
    for one in encoders:
        facts = (one.space, str(one.dim or ""), one.licence)
        table.add_row(
            "",
            plain(one.name),
            words.get(one.modality, NOTHING),
            *(plain(fact) or NOTHING for fact in facts),
        )
    return table


def _below(line: PresetLine, words: Words) -> Iterator[tuple[str, str]]:
    """The lines below the encoders, each with its style."""
    for error in dict.fromkeys([line.error, *(one.error for one in line.encoders)]):
        if error:
            yield plain(error), "red"
    usual = 0 if line.needs else 1
    shown = [one for number, one in enumerate(line.weights) if number < usual or _touched(one)]
    for one in shown:
        yield f"{words['weights']}  {_weights(one, words)}", ""
        if one.path:
            yield f"    {plain(one.path)}", "dim"
    rest = [plain(one.id) for one in line.weights if one not in shown]
    if rest:
        more = f" … (+{len(rest) - MOST})" if len(rest) > MOST else ""
        yield f"{words['others']}  {', '.join(rest[:MOST])}{more}", "dim"
    if not line.installed:
        yield words["missing"].format(extra=plain(line.extra)), "yellow"
    if line.todo and not line.error:
        yield words["todo"].format(command=plain(line.todo)), "green"


def _touched(one: WeightsLine) -> bool:
    return one.path is not None or one.partial


def _weights(one: WeightsLine, words: Words) -> str:
    """``google/… @75de2d55  Apache-2.0  768-d  about 1,536 MB``."""
    state = "here" if one.path else "away" if one.bytes else "unsized"
    size = words[state].format(size=f"{one.bytes / 1e6:,.1f}")
    facts = [
        plain(one.id) + (f" @{plain(one.revision[:8])}" if one.revision else ""),
        plain(one.licence),
        f"{one.dim}-d" if one.dim else "",
        size + (words["partial"] if one.partial else ""),
    ]
    return "  ".join(fact for fact in facts if fact)


def fetched(out: Console, preset: str, found: Fetched | None, use: str) -> None:
    """What came of a fetch, and how to use it."""
    if found is None:
        _say(out, f"[bold]{plain(preset)}[/] needs no weights: they come with Python packages")
        return
    card = found.card
    if card is None:
        _say(out, f"[bold]{plain(preset)}[/] is there, copied by hand; nothing was fetched")
    else:
        size = sum(file.bytes for file in card.files.values()) / 1e6
        verb = "[green]fetched[/]" if found.new else "is there already; nothing was fetched"
        facts = f"{number_of(len(card.files), 'file')}, {size:,.1f} MB, {plain(card.licence)}"
        at = f" at {plain(card.revision)}" if card.revision else ""
        _say(out, f"[bold]{plain(preset)}[/] {verb}: {plain(card.id)}{at}, {facts}")
    _say(out, f"  {plain(str(found.path))}", style="dim")
    _say(out, f"  → {plain(use)}", style="green")


def converted(out: Console, found: Converted) -> None:
    """What was read and what was written."""
    _say(out, f"{plain(str(found.source))}  sha256 {found.sha256}")
    _say(out, f"→ {plain(str(found.path))}: {number_of(found.tensors, 'tensor')}", style="green")
    if found.left_out:
        names = ", ".join(found.left_out[:MOST]) + (" …" if len(found.left_out) > MOST else "")
        _say(out, f"left out, no tensors: {plain(names)}", style="dim")
