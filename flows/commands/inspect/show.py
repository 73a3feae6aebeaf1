"""How a file that was inspected looks on a terminal, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console

from flows.terminal.place import KINDS, PLACES, clock, kind_of, part, within
from flows.terminal.prose import READABLE, line, prose, unmarked
from flows.terminal.wrapping import plain, wrapped
from mmcore.media.reasons import Language, advice
from mmcore.paths import printable
from mmcore.types import Rejection, Span

if TYPE_CHECKING:
    from mmcore.inspection.look import Found, Inspected, Reading
    from mmcore.media.texts.tagging import Word

Tag = Callable[[str], "list[Word]"]

MOST: Final = 10  # pieces of a reading, and places that cannot be used, that a terminal shows
LINES: Final = 2  # of a piece's text
DEEPER: Final = 6  # cells before a piece's text
_BETWEEN: Final = " · "
_SHORT: Final = 10  # seconds: of less, tenths are shown
_PLAIN: Final = frozenset({"whole", "page", "region", "ocr", "asr"})
"""Kinds and segmentations that only repeat what the place or the title says."""

WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            **PLACES["en"],
            **KINDS["en"],
            "content": "content",
            "pieces": "{count:,} pieces",
            "piece": "1 piece",
            "nothing": "nothing",
            "more": "and {count:,} more",
            "whole": "all of it",
            "box": "box {sides}",
            "unknown": "A reason that is not in our catalogue.",
            "image": "pictures",
            "text": "texts",
            "subtitles": "subtitles",
            "audio": "sounds",
            "video": "frames",
            "ocr": "text in the picture",
            "asr": "speech",
            "summary": "{usable:,} of {count:,} files can be used",
        },
        "zh": {
            **PLACES["zh"],
            **KINDS["zh"],
            "content": "内容",
            "pieces": "{count:,} 个片段",
            "piece": "1 个片段",
            "nothing": "无",
            "more": "另有 {count:,} 个",
            "whole": "全部",
            "box": "区域 {sides}",
            "unknown": "还没有收录这个原因的说明。",
            "image": "图片",
            "text": "文本",
            "subtitles": "字幕",
            "audio": "声音",
            "video": "画面",
            "summary": "{count:,} 个文件中有 {usable:,} 个可以使用",
        },
    }
)


def tagger(dictionaries: Sequence[str]) -> Tag:
    """What tells the words of a text and their parts of speech."""
    from mmcore.media.texts.tagging import tagged  # noqa: PLC0415 - only who asks waits for jieba

    return partial(tagged, dictionaries=dictionaries)


def inspected(out: Console, found: Inspected, language: Language, tag: Tag | None) -> None:
    """A file: what it is; what each encoder would be given of it; what cannot be used, and why."""
    words = WORDS[language]
    state = "[green]✓[/]" if found.usable else "[red]✗[/]"
    out.print(f"{state} [bold]{plain(printable(found.path))}[/]", highlight=False, soft_wrap=True)
    line(out, unmarked(_BETWEEN.join(_facts(found))), indent=2)
    if found.file is not None:
        line(out, f"{words['content']} {found.file.content_id}", style="dim", indent=2)
    if found.refused is not None:
        _refusal(out, found.refused, language)
    explained: set[tuple[str, str]] = set()
    for reading in found.readings:
        _reading(out, reading, _title(reading, found, words), words, tag)
        for rejection in reading.rejections[:MOST]:
            reason = rejection.stage, rejection.reason
            _refusal(out, rejection, language, briefly=reason in explained)
            explained.add(reason)
        _more(out, len(reading.rejections) - MOST, words)
    out.print()


def summary(out: Console, told: Sequence[Inspected], language: Language) -> None:
    """How many files can be used."""
    usable = sum(found.usable for found in told)
    text = WORDS[language]["summary"].format(usable=usable, count=len(told))
    out.print(text, style="green" if usable == len(told) else "yellow", highlight=False)


def _facts(found: Inspected) -> Iterator[str]:
    if found.file is not None:
        yield found.file.media_type
    yield _bytes(found.size)
    if found.pixels is not None:
        yield " × ".join(f"{side:,}" for side in found.pixels)
    if found.seconds is not None:
        yield clock(found.seconds, 0 if found.seconds >= _SHORT else 1)


def _bytes(size: int) -> str:
    for unit, power in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= power:
            return f"{size / power:.1f} {unit}"
    return f"{size} B"


def _reading(
    out: Console, reading: Reading, title: str, words: Mapping[str, str], tag: Tag | None
) -> None:
    head = f"  [bold]{title}[/]  {_count(reading, words)}"
    out.print(f"{head}  [dim]{reading.seconds:.2f} s[/]", highlight=False)
    for piece in reading.pieces[:MOST]:
        _piece(out, piece, words, tag)
    _more(out, len(reading.pieces) - MOST, words)


def _title(reading: Reading, found: Inspected, words: Mapping[str, str]) -> str:
    if reading.reader:
        return words[reading.reader]
    is_video = found.file is not None and found.file.modality == "video"
    return words["subtitles" if is_video and reading.modality == "text" else reading.modality]


def _count(reading: Reading, words: Mapping[str, str]) -> str:
    count = len(reading.pieces)
    return words["nothing" if not count else "piece" if count == 1 else "pieces"].format(
        count=count
    )


def _more(out: Console, left: int, words: Mapping[str, str]) -> None:
    if left > 0:
        line(out, words["more"].format(count=left), style="dim")


def _piece(out: Console, piece: Found, words: Mapping[str, str], tag: Tag | None) -> None:
    """Where it lies and what it is; below that how its text begins, and the words of that."""
    kind = next(kind_of(piece.kind, piece.source, words, _PLAIN), None)
    facts = (_place(piece.source, piece.span, words), kind, piece.language)
    told = _BETWEEN.join(plain(fact) for fact in facts if fact)
    how = (
        ""
        if piece.segmentation in {*_PLAIN, piece.kind}
        else f"  [dim]{plain(piece.segmentation)}[/]"
    )
    out.print(f"    {told}{how}", highlight=False, soft_wrap=True)
    if piece.text is None:
        return
    width = min(out.width, READABLE) - DEEPER
    looked_at = piece.text[: 2 * LINES * width]
    lines = wrapped(unmarked(" ".join(looked_at.split())), width)
    for text in _beginning(lines, width, more=len(looked_at) < len(piece.text)):
        line(out, text, indent=DEEPER)
    if tag is not None:
        tags = [unmarked(f"{word.word}/{word.flag}") for word in tag(piece.text)]
        for text in _beginning(_filled(tags, width), width):
            line(out, text, style="cyan", indent=DEEPER)


def _filled(tokens: Sequence[str], width: int) -> list[str]:
    """Tokens with a space between in lines of at most ``width`` cells, where none is wider."""
    lines = [""]
    for token in tokens:
        longer = f"{lines[-1]} {token}" if lines[-1] else token
        if cell_len(longer) > width and lines[-1]:
            lines.append(token)
        else:
            lines[-1] = longer
    return lines


def _beginning(lines: Sequence[str], width: int, *, more: bool = False) -> list[str]:
    """The first of the lines; … where there are more."""
    shown = [_cut(one, width) for one in lines[:LINES]]
    if shown and (more or len(lines) > LINES):
        shown[-1] = _cut(f"{shown[-1].rstrip('…')}…", width)
    return shown


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, width - 1).rstrip()}…"


def _place(source: str | None, span: Span | None, words: Mapping[str, str]) -> str:
    """``page 3 · characters 400–790``, ``track 2 · 0:12–0:22``: in which part, and where in it."""
    said = [*part(source, words), *within(span, words)]
    if span is not None and span.box is not None:
        said.append(words["box"].format(sides=", ".join(f"{side:.2f}" for side in span.box)))
    return _BETWEEN.join(said) or words["whole"]


def _refusal(out: Console, one: Rejection, language: Language, *, briefly: bool = False) -> None:
    """Why a file, or a place in it, cannot be used, and what to do unless that was said."""
    words = WORDS[language]
    place = _place(one.source, one.span, words)
    where = "" if place == words["whole"] else f"{place}  "
    out.print(
        f"    {plain(where)}[yellow]{plain(f'{one.stage}/{one.reason}')}[/]", highlight=False
    )
    told = advice(one.stage, one.reason, language)
    if not briefly:
        prose(out, told.means if told else words["unknown"])
    if told is not None and not briefly:
        prose(out, told.todo, style="green", mark="→ ")
    if one.message:
        prose(out, unmarked(one.message), style="dim")
