"""Files of word vectors, as word2vec and GloVe write them: text or binary, gzipped or not.

No pickle is opened. What is damaged is refused by its line; nothing is skipped. Numbers are kept
in half precision: the largest published files (2 to 3 million words) take 1.3 to 2 GB.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.families.word_table import WordTable
from mmcore.errors import ConfigError, UnsafeWeightsError

PICKLES: Final = frozenset({".model", ".kv", ".npy", ".pkl", ".pickle"})
_GZIP, _ZIP, _PICKLE, _FASTTEXT = b"\x1f\x8b", b"PK\x03\x04", b"\x80", b"\xba\x16\x4f\x2f"
_LONGEST: Final = 10_000  # bytes of a word
_CHUNK: Final = 1 << 20  # bytes that are read at once
_BLOCK: Final = 4_096  # words that are turned into numbers at once
_WIDEST: Final = 100_000  # dimensions

Row = tuple[bytes, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Head:
    """What a file says first: its format, dimensions, and words, if it has a header."""

    kind: Literal["text", "binary"]
    dim: int
    count: int | None = None


def head_of(path: Path) -> Head:
    """The head of a file of vectors; ConfigError, or UnsafeWeightsError for a pickle."""
    with _opened(path) as file:
        first = file.readline(_CHUNK)
        _check(path, first)
        fields = first.split()
        if len(fields) == 2 and all(one.isdigit() for one in fields):  # noqa: PLR2004 - a header
            count, dim = map(int, fields)
            if not 0 < dim <= _WIDEST:
                raise ConfigError(f"{path}, line 1: vectors of {dim} dimensions")
            return Head(_kind(path, file.readline(_CHUNK), dim), dim, count)
    dim = len(fields) - 1
    if dim < 2 or not _is_number(fields[-1]):  # noqa: PLR2004 - no vectors have one
        raise ConfigError(
            f"{path}: no file of word vectors: line 1 is neither a header, as in word2vec, nor a"
            " word and its numbers, as in GloVe"
        )
    return Head("text", dim)


def _kind(path: Path, second: bytes, dim: int) -> Literal["text", "binary"]:
    """By the file's name, else by whether the first word's numbers can be read."""
    named = {".txt": "text", ".vec": "text", ".bin": "binary"}
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix in named:
        return "text" if named[suffix] == "text" else "binary"
    return "text" if all(map(_is_number, second.split()[-dim:])) else "binary"


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file, unpacked where it is gzipped; what is none of vectors is refused."""
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(path.open("rb"))
        start = file.read(4)
        file.seek(0)
        _check(path, start)
        if not start.startswith(_GZIP):
            yield file
            return
        packed = stack.enter_context(gzip.open(file))
        try:
            yield io.BufferedReader(packed, _CHUNK)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ConfigError(f"{path}: a damaged gzip file ({error})") from error


def _check(path: Path, start: bytes) -> None:
    if path.suffix in PICKLES or start.startswith(_PICKLE):
        raise UnsafeWeightsError(
            path,
            "it is a pickle, or needs one, and may run code: export the vectors in gensim,"
            f" KeyedVectors.load({path.name!r}).save_word2vec_format('vectors.bin', binary=True)"
            " (of a whole model: Word2Vec.load(…).wv), and name vectors.bin",
        )
    if start.startswith(_ZIP):
        raise ConfigError(f"{path}: a zip file: unpack it, and name one of the files in it")
    if start.startswith(_FASTTEXT):
        raise ConfigError(f"{path}: a model of fastText: name the .vec file that is beside it")


def read_file(path: Path) -> WordTable:
    """All vectors of a file; of a word that comes twice the first counts.

    ConfigError names the line (of a binary file: the word) that cannot be used.
    """
    head = head_of(path)
    vocabulary: list[str] = []
    blocks: list[NDArray[np.float16]] = []
    with _opened(path) as file:
        if head.count is not None:
            file.readline()
        rows = _text(path, file, head) if head.kind == "text" else _binary(path, file, head)
        while block := list(islice(rows, _BLOCK)):
            blocks.append(_numbers(path, head, len(vocabulary), block))
            vocabulary += _decoded(path, head, len(vocabulary), (word for word, _ in block))
    if head.count not in {None, len(vocabulary)}:
        raise ConfigError(
            f"{path}: line 1 says {head.count} words, there are {len(vocabulary)}: the file is not"
            " whole"
        )
    return WordTable.of(vocabulary, _joined(blocks, len(vocabulary), head.dim))


def _where(path: Path, head: Head, number: int) -> str:
    """The place of word ``number``, from 0."""
    if head.kind == "binary":
        return f"{path}, word {number + 1}"
    return f"{path}, line {number + 1 + (head.count is not None)}"


def _text(path: Path, file: Iterable[bytes], head: Head) -> Iterator[Row]:
    for number, line in enumerate(file):
        word, *fields = line.rstrip().rsplit(b" ", head.dim)
        before = word.rpartition(b" ")[2] if b" " in word else b""
        try:
            numbers = np.array(list(map(float, fields)), dtype=np.float32)
        except ValueError:
            numbers = np.zeros(0, np.float32)
        if not word or len(numbers) != head.dim or _is_number(before):
            where = _where(path, head, number)
            raise ConfigError(f"{where}: is not a word and {head.dim} numbers behind it")
        yield word, numbers


def _binary(path: Path, file: IO[bytes], head: Head) -> Iterator[Row]:
    data, at, width = b"", 0, 4 * head.dim
    for number in range(head.count or 0):
        while (space := data.find(b" ", at, at + _LONGEST)) < 0 or len(data) <= space + width:
            more = file.read(_CHUNK)
            if not more or (space < 0 and len(data) - at > _LONGEST):
                raise ConfigError(f"{_where(path, head, number)}: the file is not whole")
            data, at = data[at:] + more, 0
        word = data[at:space].lstrip(b"\n")
        at = space + 1 + width
        yield word, np.frombuffer(data, "<f4", head.dim, space + 1)
    if (data[at:] + file.read(_CHUNK)).strip():
        raise ConfigError(f"{path}: line 1 says {head.count} words, and there are more")


def _numbers(path: Path, head: Head, before: int, block: list[Row]) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):
        numbers = np.stack([numbers for _, numbers in block]).astype(np.float16)
    wrong = np.flatnonzero(~np.isfinite(numbers).all(axis=1))
    if len(wrong):
        where = _where(path, head, before + int(wrong[0]))
        raise ConfigError(f"{where}: a number that is not finite, or beyond 65504")
    return numbers


def _decoded(path: Path, head: Head, before: int, words: Iterable[bytes]) -> Iterator[str]:
    for number, word in enumerate(words, start=before):
        try:
            yield word.decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"{_where(path, head, number)}: the word is not UTF-8") from error


def _joined(blocks: list[NDArray[np.float16]], count: int, dim: int) -> NDArray[np.float16]:
    """One array; each block is let go as it is copied, so that memory is needed about once."""
    joined = np.empty((count, dim), dtype=np.float16)
    blocks.reverse()
    at = 0
    while blocks:
        block = blocks.pop()
        joined[at : at + len(block)] = block
        at += len(block)
    return joined
