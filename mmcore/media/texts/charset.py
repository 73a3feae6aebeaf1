"""Bytes of a text → str: marks, UTF-8, then the charset that gives the most likely text."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from mmcore.errors import MediaError
from mmcore.media.texts.marks import WIDE_MARKS
from mmcore.media.texts.plausibility import ALPHABETS, EAST_ASIAN, cost, likely

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), *WIDE_MARKS)
_ESCAPES: Final = (  # charsets of seven bits: valid UTF-8 too, so they are looked for before it
    (b"\x1b$)C", "iso2022_kr"),
    (b"\x1b$", "iso2022_jp_2"),
    (b"~{", "hz"),
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A family of charsets, the narrowest first, and a language that is written in it."""

    charsets: tuple[str, ...]
    language: str
    # Bits: how much rarer it is here than Chinese in its own charsets. Set by hand, 2 bits being a
    # quarter as frequent; it decides short texts only. A change has to pass test_charset.py and
    # `python -m benchmarks.corpus_run chardet`, where the charset of each text is known.
    handicap: float = 0.0

    @property
    def widest(self) -> str:
        """The charset of the family that has all its characters."""
        return self.charsets[-1]


_GB: Final = ("gb2312", "gb18030")  # where gb2312 suffices, its own dash and middle dot
_BIG5: Final = ("big5", "cp950", "big5hkscs")
_BYTES: Final = (
    _Candidate(_GB, "zh"),
    _Candidate(_BIG5, "zh"),
    _Candidate(("shift_jis", "cp932"), "ja", 4.0),
    _Candidate(("euc_jp",), "ja", 4.0),
    _Candidate(("euc_kr", "cp949"), "ko", 4.0),
    _Candidate(("cp1252", "iso8859_1"), "western", 2.0),
    _Candidate(("iso8859_2",), "central", 2.0),
    _Candidate(("cp1250",), "central", 2.0),
    _Candidate(("cp1254", "iso8859_9"), "turkish", 2.0),
    *(
        _Candidate((charset,), "cyrillic", 8.0)
        for charset in ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp855")
    ),
    *(_Candidate(("utf-8",), language, 4.0) for language in (*EAST_ASIAN, *ALPHABETS)),
)
_UNITS: Final = tuple(
    _Candidate((charset,), language, 12.0)
    for charset in ("utf-16-le", "utf-16-be")
    for language in (*EAST_ASIAN, *ALPHABETS)
)
_FEW_UNITS: Final = 8  # bytes: fewer do not tell UTF-16 from anything else
_SAMPLE_BYTES: Final = 32_768
_BEYOND: Final = re.compile(rb"[\x80-\xff]")
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_GUESS_BYTES: Final = 65_536


def decode(data: bytes) -> str:
    """Decode by byte order mark, else strict UTF-8, else as the most likely text; linear.

    UTF-16 and UTF-32 need no mark; a charset of seven bits (HZ, ISO-2022) is told by its escapes.
    Never replaces a byte: raises MediaError ``unknown-charset`` when nothing fits, and
    ``broken-text`` when the charset is clear but some bytes are not valid in it.
    """
    for mark, charset in _MARKS:
        if data.startswith(mark):
            return _strict(data, (charset,), "broken-text")
    found = _escaped(data)
    if found is None and b"\0" not in data:  # valid UTF-8, yet in no text: UTF-16 comes first
        found = _valid(data, "utf-8")
    if found is None:
        found = _utf32(data)
    if found is not None:
        return found
    best = _most_likely(data)
    if best is not None:
        return _strict(data, best.charsets, "broken-text")
    found = _valid(data, "utf-8")  # with NULs
    return _strict(data, _guess(data), "unknown-charset") if found is None else found


def likely_text(head: bytes) -> str | None:
    """The text that ``head`` begins in the charset that fits; None where none is likely.

    For what is neither UTF-8 nor marked. Bytes that are not valid are replaced, as are those of a
    character that is cut at the end.
    """
    best = _most_likely(head)
    return None if best is None else head.decode(best.widest, "replace")


def is_marked(data: bytes) -> bool:
    """Whether a text begins with a byte order mark, which tells its charset."""
    return any(data.startswith(mark) for mark, _ in _MARKS)


def _strict(data: bytes, charsets: tuple[str, ...], reason: str) -> str:
    """Decode by the first of ``charsets`` in which all of ``data`` is valid."""
    for charset in charsets:
        try:
            return data.decode(charset)
        except (UnicodeDecodeError, LookupError) as error:
            last = error
    raise MediaError("text", reason, f"not valid {charsets[-1]}: {last}") from last


def _valid(data: bytes, charset: str) -> str | None:
    try:
        return data.decode(charset)
    except UnicodeDecodeError:
        return None


def _escaped(data: bytes) -> str | None:
    """A text in a charset of seven bits whose escapes lead to East Asian characters."""
    for escape, charset in _ESCAPES:
        if escape in data and data.isascii():
            text = _valid(data, charset)
            first = _BEYOND_ASCII.search(text or "")
            if text and first:
                sample = text[first.start() : first.start() + _SAMPLE_BYTES]
                return text if any(likely(sample, one) for one in EAST_ASIAN) else None
    return None


def _utf32(data: bytes) -> str | None:
    """The text if it is UTF-32 without a mark: hardly any other bytes are valid as such."""
    if b"\0\0" in data and len(data) % 4 == 0:
        for charset in ("utf-32-le", "utf-32-be"):
            text = _valid(data, charset)
            if text and "\0" not in text:
                return text
    return None


def _most_likely(data: bytes) -> _Candidate | None:
    """The candidate by which the text costs least, if that is not too much for its language."""
    texts = _texts(data)
    costs = {one: cost(text, one.language) + one.handicap for one, text in texts.items()}
    best = min(costs, key=lambda one: costs[one], default=None)
    return best if best is not None and likely(texts[best], best.language) else None


def _texts(data: bytes) -> dict[_Candidate, str]:
    """What a sample of ``data`` is by each candidate; in UTF-16 only where it is valid."""
    found: dict[_Candidate, str] = {}
    if b"\0" not in data:
        sample = _sample(data)
        found |= {one: sample.decode(one.widest, "replace") for one in _BYTES}
    if len(data) % 2 == 0 and len(data) >= _FEW_UNITS:
        texts = {one: _valid(data[:_SAMPLE_BYTES], one.widest) for one in _UNITS}
        found |= {one: text for one, text in texts.items() if text is not None}
    return found


def _sample(data: bytes) -> bytes:
    """Enough of a long text: of each line what follows the first byte beyond ASCII.

    That one begins a character in every charset, and a line feed is no half of one.
    """
    if len(data) <= _SAMPLE_BYTES:
        return data
    parts: list[bytes] = []
    left, position = _SAMPLE_BYTES, 0
    while left > 0 and (found := _BEYOND.search(data, position)):
        end = data.find(b"\n", found.start()) + 1 or len(data)
        parts.append(data[found.start() : min(end, found.start() + left)])
        left, position = left - len(parts[-1]), end
    return b"".join(parts)


def _guess(data: bytes) -> tuple[str, ...]:
    """The charset that charset-normalizer finds, or the family that it belongs to."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - slow to import, seldom needed

    best = from_bytes(data[:_GUESS_BYTES]).best()
    if best is None:
        raise MediaError("text", "unknown-charset", "no known charset fits the bytes")
    return next((one for one in (_GB, _BIG5) if best.encoding in one), (str(best.encoding),))
