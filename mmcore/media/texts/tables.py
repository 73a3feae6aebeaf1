"""Which names stand for human text, and which tables have a column of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_TELLING_NAMES: Final = (
    "abstract alt answer body caption comment content desc description headline label lyrics"
    " paragraph question raw sentence subtitle summary text title transcript transcription"
    " utterance 内容 內容 句子 字幕 描述 摘要 文字 文本 标签 標籤 标题 標題 歌词 歌詞 说明 說明"
    " 评论 評論"
)
_LANGUAGE_NAMES: Final = (
    "zh cn chs cht hans hant tw hk en us gb uk eng zho chi chinese english mandarin 中文 汉语 漢語"
    " 英文 英语 英語 de fr es it ja jp ko kr ru pt"
)
_NAMES: Final = frozenset(_TELLING_NAMES.split())
_LANGUAGES: Final = frozenset(_LANGUAGE_NAMES.split())
_NAMES_ALONE: Final = "zh en chinese english 中文 汉语 漢語 英文 英语 英語"
_WHOLE_LANGUAGES: Final = frozenset(_NAMES_ALONE.split())
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD: Final = re.compile(r"[^\W\d_]+")
_DELIMITERS: Final = ",\t;"
_LONGEST_NAME: Final = 40
_LONGEST_CELL: Final = 2**31 - 1  # a text is bounded before it comes here
_BEFORE: Final = "\ufeff\r\n"  # what may stand before the first line


@lru_cache(maxsize=4096)
def holds_captions(name: str) -> bool:
    """Whether a key or column of this name holds human text: caption, alt_text, title-zh, 描述."""
    if len(name) > _LONGEST_NAME:
        return False
    words = [word.lower() for word in _WORD.findall(_CAMEL.sub("_", name))]
    telling = [word for word in words if word not in _LANGUAGES]
    if not telling:
        return len(words) > 0 and words[0] in _WHOLE_LANGUAGES
    singular = [
        word[:-1] if word.endswith("s") and word not in _NAMES else word for word in telling
    ]
    return all(word in _NAMES for word in singular)


@dataclass(frozen=True, slots=True)
class Table:
    """How a CSV text is written, and which of its columns hold human text."""

    delimiter: str
    columns: tuple[int, ...]

    def captions(self, text: str) -> Iterator[str]:
        """The cells of those columns, row by row; csv.Error for what no CSV holds."""
        rows = _rows(_lines(text), self.delimiter)
        next(rows, None)
        for row in rows:
            yield from (row[column] for column in self.columns if column < len(row))


def caption_table(text: str) -> Table | None:
    """The table that a text begins; None unless its first line names columns, one of human text.

    The second line must have as many cells, so that a sentence with a comma is no header.
    """
    lines = _lines(text)
    return next(filter(None, (_table(lines, delimiter) for delimiter in _DELIMITERS)), None)


def _lines(text: str) -> io.StringIO:
    return io.StringIO(text.lstrip(_BEFORE), newline="")


def _rows(lines: io.StringIO, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(_LONGEST_CELL)  # of the process: nothing else here reads CSV
    return csv.reader(lines, delimiter=delimiter)


def _table(lines: io.StringIO, delimiter: str) -> Table | None:
    lines.seek(0)
    try:
        rows = _rows(lines, delimiter)
        header, first = next(rows, []), next(rows, [])
    except csv.Error:
        return None
    names = [name.strip() for name in header]
    columns = tuple(i for i, name in enumerate(names) if holds_captions(name))
    named = all(0 < len(name) <= _LONGEST_NAME for name in names[1:]) and len(names) > 1
    if not columns or not named or len(set(names)) < len(names) or len(first) != len(names):
        return None
    return Table(delimiter, columns)
