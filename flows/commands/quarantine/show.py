"""How the quarantine looks on a terminal, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.terminal.prose import INDENT, line, prose, unmarked, width_of
from flows.terminal.wrapping import plain, wrapped
from mmcore.counting import Number
from mmcore.media.reasons import Language, advice

if TYPE_CHECKING:
    from flows.commands.quarantine.command import Group, Quarantine

EXAMPLES: Final = 3
WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "head": "[bold]quarantine[/] of snapshot {number}: {files}, {rows}",
            "stopped": "[bold]quarantine[/] of a run that was not published: {files}, {rows}",
            "later": "A later run was not published: --stopped shows what it could not use.",
            "file": "{count:,} file",
            "files": "{count:,} files",
            "row": "{count:,} row",
            "rows": "{count:,} rows",
            "empty": "nothing is in quarantine",
            "none": "nothing in quarantine is so; {total} {total:row is|rows are} there",
            "instead": "nothing in quarantine is so; these reasons are there:",
            "more": "and {count:,} more",
            "list": "mmindex quarantine --list [--reason R] [PATH] shows decoder, message and"
            " times of each",
            "private": "This lake is private: names are hashes, and no message of a decoder was"
            " kept. A PATH finds its own row, by the lake's KEY.",
            "unknown": "A reason that is not in our catalogue.",
            "places": "{rows} {rows:place|places}",
            "message": "message",
            "decoder": "decoder",
            "content": "content",
            "place": "place",
            "seen": "seen",
            "page": "page {number}",
        },
        "zh": {
            "head": "快照 {number} 的[bold]隔离区[/]：{files}，{rows}",
            "stopped": "一次未发布的运行的[bold]隔离区[/]：{files}，{rows}",
            "later": "之后有一次运行未能发布：用 --stopped 查看它无法使用的文件。",
            "file": "{count:,} 个文件",
            "files": "{count:,} 个文件",
            "row": "{count:,} 行",
            "rows": "{count:,} 行",
            "empty": "隔离区为空",
            "none": "隔离区中没有符合条件的行；共有 {total:,} 行",
            "instead": "隔离区中没有符合条件的行；其中的原因有：",
            "more": "另有 {count:,} 个",
            "list": "mmindex quarantine --list [--reason R] [PATH] 逐个列出解码器、信息和时间",
            "private": "这是私有数据湖：名称为哈希值，不保存解码器的信息。"
            "给出 PATH 可凭数据湖的 KEY 找到对应的行。",
            "unknown": "还没有收录这个原因的说明。",
            "places": "{rows:,} 处",
            "message": "信息",
            "decoder": "解码器",
            "content": "内容",
            "place": "位置",
            "seen": "时间",
            "page": "第 {number} 页",
        },
    }
)


def grouped(out: Console, found: Quarantine, language: Language) -> None:
    """For each reason: how many files, what it means, what to do, and some names."""
    words = WORDS[language]
    if not _head(out, found, words):
        return
    roots = len({row["root"] for row in found.rows}) > 1
    for group in found.groups:
        out.print()
        _group(out, group, language)
        for root, path in group.files[:EXAMPLES]:
            line(out, unmarked(f"{root}/{path}" if roots else path), style="dim")
        left = len(group.files) - EXAMPLES
        if left > 0:
            line(out, words["more"].format(count=left), style="dim")
    out.print()
    out.print(escape(words["list"]), style="dim", highlight=False, soft_wrap=True)


def listed(out: Console, found: Quarantine, language: Language) -> None:
    """Every row with all that is known of it, below each other: names and messages are long."""
    words = WORDS[language]
    if not _head(out, found, words):
        return
    roots = len({row["root"] for row in found.rows}) > 1
    for row in found.rows:
        out.print()
        path = f"{row['root']}/{row['path']}" if roots else row["path"]
        out.print(f"[bold]{plain(path)}[/]", highlight=False, soft_wrap=True)
        told = advice(row["stage"], row["reason"], language)
        line(out, f"{unmarked(row['stage'])}/{unmarked(row['reason'])}", style="yellow")
        prose(out, told.means if told else words["unknown"])
        out.print(_facts(row, words))


def _head(out: Console, found: Quarantine, words: Mapping[str, str]) -> bool:
    """The first lines; whether there is anything to show below them."""
    if found.stopped_later:
        out.print(escape(words["later"]), style="yellow", highlight=False)
    if found.instead:
        _instead(out, found, words)
        return False
    if not found.rows:
        out.print(words["none" if found.total else "empty"].format(total=Number(found.total)))
        return False
    head = words["stopped" if found.why_stopped else "head"]
    number = found.manifest.number
    files, rows = _count(words, "file", found.files), _count(words, "row", len(found.rows))
    out.print(head.format(number=number, files=files, rows=rows), highlight=False)
    for part in wrapped(found.why_stopped, width_of(out)):
        line(out, unmarked(part), style="dim", indent=0)
    if found.manifest.private:
        for part in wrapped(words["private"], width_of(out)):
            line(out, part, style="dim", indent=0)
    return True


def _instead(out: Console, found: Quarantine, words: Mapping[str, str]) -> None:
    """The reasons that are there, for whoever asked for one that is not."""
    out.print(words["instead"], highlight=False)
    for group in found.instead:
        files = _count(words, "file", len(group.files))
        line(out, f"{unmarked(group.stage)}/{unmarked(group.reason)}  {files}")


def _group(out: Console, group: Group, language: Language) -> None:
    files, rows = len(group.files), len(group.rows)
    places = WORDS[language]["places"].format(rows=Number(rows))
    count = f"[bold]{files:,}[/]" + (f" [dim]({places})[/]" if rows != files else "")
    reason = f"[yellow]{plain(group.stage)}/{plain(group.reason)}[/]"
    out.print(f"{count}  {reason}", highlight=False)
    told = advice(group.stage, group.reason, language)
    if told is None:  # of a third party: what it says itself
        prose(out, unmarked(group.rows[0]["message"] or WORDS[language]["unknown"]))
        return
    prose(out, told.means)
    prose(out, told.todo, style="green", mark="→ ")


def _facts(row: Mapping[str, Any], words: Mapping[str, str]) -> Table:
    """What a program said of the row, and when."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=INDENT - 2)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    facts = {
        "message": plain(row["message"] or ""),
        "place": plain(_place(row, words)),
        "decoder": plain(row["decoder"]),
        "content": plain(row["content_id"] or ""),
        "seen": f"{_time(row['first_seen'])} – {_time(row['last_seen'])} UTC",
    }
    for name, fact in facts.items():
        if fact:
            table.add_row("", words[name], fact)
    return table


def _place(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Where in the file, if not all of it; pages count from 1 for people."""
    source = "" if row["source"] in {None, "self"} else f"{row['source']} "
    start, end = row["start"], row["end"]
    if row.get("box"):
        source += "box " + ", ".join(f"{side:.2f}" for side in row["box"]) + " "
    match row["unit"]:
        case None:
            return source.rstrip()
        case "page":
            first, last = int(start) + 1, int(end)
            number = f"{first}–{last}" if last > first else str(first)
            return source + words["page"].format(number=number)
        case "second":
            return f"{source}{start:.1f}–{end:.1f} s"
        case unit:
            return f"{source}{unit} {start:.0f}–{end:.0f}"


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"


def _count(words: Mapping[str, str], thing: str, count: int) -> str:
    """``1 file``, ``2 files``."""
    return words[thing if count == 1 else f"{thing}s"].format(count=count)


def elsewhere(left: int, language: Language = "en") -> str:
    """How many files in quarantine another command does not name, and what names them."""
    colon = "：" if language == "zh" else ": "
    return f"{WORDS[language]['more'].format(count=left)}{colon}mmindex quarantine --list"
