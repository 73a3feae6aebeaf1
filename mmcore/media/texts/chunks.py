"""Texts cut where sentences end, each chunk with the last sentences of the one before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from mmcore.media.texts import words
from mmcore.media.texts.dictionaries import read_dictionaries
from mmcore.media.texts.language import HAN
from mmcore.media.texts.sentences import clause_ends, sentence_ends
from mmcore.specs import SegmentationSpec
from mmcore.types import Span

_WIDE: Final = re.compile(f"[{HAN}\u3000-\u30ff\uac00-\ud7af\uff00-\uffef]+")


class _Piece(NamedTuple):
    """A part of a text that is not cut further; pieces tile the text."""

    start: int
    end: int
    weight: int
    solid: int  # weight without the spaces at its end
    sentence: bool  # a whole one, which the next chunk may repeat


def chunks(text: str, spec: SegmentationSpec) -> Iterator[tuple[Span | None, str]]:
    """Cut cleaned text into chunks of at most ``text_chars`` (a wide character counts two).

    A text that fits is one chunk without a span. Otherwise chunks end where sentences do; a
    sentence that is too long ends where clauses do, else at word boundaries, a word that is too
    long anywhere. A chunk begins with the last whole sentences of the one before, of at most
    ``text_overlap`` together, if it has room for them. Each comes as soon as it is found.

    Spans are code points; only spaces lie outside of them; starts and ends grow. A word of
    ``text_dictionaries`` is not cut.
    """
    if not text.strip():
        return
    if columns(text) <= spec.text_chars:
        yield None, text
        return
    for start, end in _packed(_pieces(text, spec), spec.text_chars, spec.text_overlap):
        piece = text[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = start + len(piece.rstrip())
        yield Span(left, right, "char"), text[left:right]


def columns(text: str) -> int:
    """Characters of ``text``, a wide one counted twice."""
    return len(text) if text.isascii() else 2 * len(text) - len(_WIDE.sub("", text))


def _packed(pieces: Iterable[_Piece], most: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Join pieces to ranges of at most ``most``, each with something that no other has."""
    joined: list[_Piece] = []
    weight = 0
    for piece in pieces:
        if not piece.solid and not joined:
            continue
        if piece.solid and joined and weight + piece.solid > most:
            yield joined[0].start, joined[-1].end
            joined = _repeated(joined, min(overlap, most - piece.solid))
            weight = sum(one.weight for one in joined)
        joined.append(piece)
        weight += piece.weight
    if joined:
        yield joined[0].start, joined[-1].end


def _repeated(joined: list[_Piece], most: int) -> list[_Piece]:
    """The last whole sentences of a chunk, never all of it."""
    first, weight = len(joined), 0
    for place in range(len(joined) - 1, 0, -1):
        weight += joined[place].weight
        if weight > most or not joined[place].sentence:
            break
        first = place if joined[place].solid else first
    return joined[first:]


def _pieces(text: str, spec: SegmentationSpec) -> Iterator[_Piece]:
    """Sentences, else clauses, else words, else as many characters as a chunk takes."""
    kept = _uncut(text, spec)
    start = 0
    for end in sentence_ends(text):
        if end in kept:
            continue
        piece = _piece(text, start, end, sentence=True)
        if piece.solid <= spec.text_chars:
            yield piece
        else:
            yield from _clauses(text, start, end, spec, kept)
        start = end


def _uncut(text: str, spec: SegmentationSpec) -> frozenset[int]:
    """Places inside those words of the dictionaries that have punctuation or spaces."""
    if not spec.text_dictionaries:
        return frozenset()
    dictionary = read_dictionaries(spec.text_dictionaries)
    places = words.spaced_places(text, dictionary)
    return frozenset(place for start, end in places for place in range(start + 1, end))


def _clauses(
    text: str, start: int, end: int, spec: SegmentationSpec, kept: frozenset[int]
) -> Iterator[_Piece]:
    base = start
    for stop in (base + place for place in clause_ends(text[base:end])):
        if stop in kept:
            continue
        piece = _piece(text, start, stop)
        if piece.solid <= spec.text_chars:
            yield piece
        else:
            yield from _words(text, start, stop, spec)
        start = stop


def _words(text: str, start: int, end: int, spec: SegmentationSpec) -> Iterator[_Piece]:
    for first, last in words.ends(text[start:end], spec.text_dictionaries):
        piece = _piece(text, start + first, start + last)
        if piece.solid <= spec.text_chars:
            yield piece
        else:
            yield from _characters(text, piece, spec.text_chars)


def _characters(text: str, piece: _Piece, most: int) -> Iterator[_Piece]:
    start, weight = piece.start, 0
    for place in range(piece.start, piece.end):
        more = 2 if _WIDE.match(text[place]) else 1
        if weight and weight + more > most:
            yield _piece(text, start, place)
            start, weight = place, 0
        weight += more
    yield _piece(text, start, piece.end)


def _piece(text: str, start: int, end: int, *, sentence: bool = False) -> _Piece:
    whole = text[start:end]
    weight = columns(whole)
    bare = whole.rstrip()
    spaces = whole[len(bare) :]
    return _Piece(start, end, weight, weight - columns(spaces), sentence)
