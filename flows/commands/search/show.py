"""How the answers of a search look on a terminal, in English and in Chinese, and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from flows.terminal.place import KINDS, PLACES, kind_of, part, place_json, within
from flows.terminal.tables import bare
from flows.terminal.wrapping import plain
from mmcore.media.reasons import Language
from mmcore.search.notes import said
from mmcore.search.showing.fields import hit_fields
from mmcore.types import Hit, Reason

TEXT: Final = 120  # characters of a hit's text that a terminal shows, on one line
_HEADING: Final = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+", re.M)
MATCHED: Final = 8  # words of the query that a terminal shows beside a hit

WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            **KINDS["en"],
            "score": "score",
            "item": "item",
            "file": "file",
            "why": "why",
            "nothing": "nothing found",
            "note": "note: {note}",
            "image": "image",
            "text": "text",
            "audio": "audio",
            "video": "video",
            "fused": "whole item",
            "words": "words",
            "matched": "words: {words}",
            "second": "at {place}",
            "box": "region",
            "duplicates": "stands for {count:,} more",
        },
        "zh": {
            **KINDS["zh"],
            "score": "得分",
            "item": "条目",
            "file": "文件",
            "why": "依据",
            "nothing": "没有找到",
            "note": "注意：{note}",
            "image": "图片",
            "text": "文本",
            "audio": "声音",
            "video": "视频",
            "fused": "整个条目",
            "words": "词语",
            "matched": "词语：{words}",
            "second": "{place}",
            "box": "区域",
            "duplicates": "另有 {count:,} 个几乎相同",
        },
    }
)


@dataclass(frozen=True, slots=True)
class Listing:
    """How a list of hits is told.

    Args:
        language: of the words around them.
        places: for each the file on this machine; None where there is none.
        thumbnails: for each the file of its small picture; None where there is none.
        first: the number of the first one.
        why: whether to say what brought each up.
        with_root: whether to name the root of each file.
    """

    language: Language = "en"
    places: Sequence[Path | None] = ()
    thumbnails: Sequence[str | None] = ()
    first: int = 1
    why: bool = False
    with_root: bool = False


def hits(out: Console, found: Sequence[Hit], listing: Listing | None = None) -> None:
    """A ranked list: score, item, where in which file, the words of a text, why it is there.

    On a terminal the file's name leads to the file, by a link of the terminal's own (OSC 8).
    """
    listing = listing or Listing()
    words = WORDS[listing.language]
    if not found:
        out.print(words["nothing"])
        return
    table = bare()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(words["score"], justify="right", no_wrap=True)
    table.add_column(words["item"], overflow="fold", ratio=3)
    table.add_column(words["file"], overflow="fold", ratio=6)
    if listing.why:
        table.add_column(words["why"], overflow="fold", ratio=3)
    with_root = listing.with_root or len({hit.root for hit in found}) > 1
    for at, (hit, place, small) in enumerate(
        zip_longest(found, listing.places, listing.thumbnails)
    ):
        file = _file(hit, place, small, words, with_root=with_root)
        why = [Text.from_markup("\n".join(_why(hit, words)))] if listing.why else []
        number = str(listing.first + at)
        table.add_row(number, f"{hit.score:.3f}", plain(hit.key), file, *why)
    out.print(table)


def notes(err: Console, found: Sequence[str], language: Language) -> None:
    """What could not be asked, and why."""
    for note in found:
        told = WORDS[language]["note"].format(note=said(note, language))
        err.print(plain(told), style="yellow", highlight=False, soft_wrap=True)


def _file(
    hit: Hit, place: Path | None, small: str | None, words: Mapping[str, str], *, with_root: bool
) -> Text:
    """The cell of a file: its path, where in it, the words of a text, the thumbnail."""
    path = f"{hit.root}/{hit.path}" if with_root and hit.path else hit.path or ""
    cell = Text.from_markup(plain(path))
    if place is not None:
        cell.stylize(f"link {place.as_uri()}")
    if where := ", ".join(_where(hit, words)):
        cell.append_text(Text.from_markup(f" [dim]{plain(where)}[/]"))
    text = " ".join(_readable(hit)[: 3 * TEXT].split())
    text = text if len(text) <= TEXT else f"{text[:TEXT].rstrip()} …"
    for line in (text, small):
        if line:
            cell.append_text(Text.from_markup(f"\n[dim]{plain(line)}[/]"))
    return cell


def _readable(hit: Hit) -> str:
    """The text of a hit as people read it: that of a Markdown file without headings' signs."""
    markdown = (hit.path or "").lower().endswith((".md", ".markdown"))
    return _HEADING.sub("", hit.text or "") if markdown else hit.text or ""


def _where(hit: Hit, words: Mapping[str, str]) -> Iterator[str]:
    """Where in its file the segment of a hit lies, and what it was found to be."""
    places = PLACES["zh" if words is WORDS["zh"] else "en"]
    yield from part(hit.source, places)
    for place in within(hit.span, places, paged=hit.paged):
        timed = hit.span is not None and hit.span.unit == "second"
        yield words["second"].format(place=place) if timed else place
    if hit.span is not None and hit.span.box is not None:
        yield words["box"]
    yield from kind_of(hit.kind, hit.source, words)


def _why(hit: Hit, words: Mapping[str, str]) -> Iterator[str]:
    """The lists that brought a hit up, the words that it has, and what it stands for."""
    media = [words.get(one.by, one.by) for one in hit.why if one.by != "words"]
    if media:
        yield escape(", ".join(media))
    for one in hit.why:
        if one.by == "words":
            yield plain(_matched(one, words))
    if hit.duplicates:
        yield f"[dim]{words['duplicates'].format(count=hit.duplicates)}[/]"


def _matched(reason: Reason, words: Mapping[str, str]) -> str:
    if not reason.words:
        return words["words"]
    more = " …" if len(reason.words) > MATCHED else ""
    return words["matched"].format(words=" ".join(reason.words[:MATCHED]) + more)


def hit_json(hit: Hit) -> dict[str, Any]:
    """A hit for programs."""
    return hit_fields(hit, lambda span: place_json(span)["span"])
