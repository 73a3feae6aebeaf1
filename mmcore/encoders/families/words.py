"""Texts by static vectors of their words: word2vec (Mikolov et al., 2013), GloVe (2014)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.device import Compute
from mmcore.encoders.compute.loaded import loaded
from mmcore.encoders.embedded_text import cleaned
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.families.word_files import head_of, read_file
from mmcore.encoders.families.word_folder import CONFIG, FILES, dim_of, read_folder
from mmcore.encoders.families.word_table import WordTable, words_of
from mmcore.encoders.presets import Preset
from mmcore.encoders.weights.folder import Folder, folder_of
from mmcore.encoders.weights.hashes import sha256_of
from mmcore.encoders.weights.places import place_of_weights
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey, Vectors, unit_rows
from storage.schemas import Modality, digest

log = logging.getLogger(__name__)

VERSION: Final = 1
WORD2VEC: Final = Preset(
    encoders=("word2vec",),
    about="texts by the vectors of their words, trained on a lake or from a file",
    languages="zh, en; whatever the vectors are of",
    needs="FILE_OR_FOLDER",
    media="text",
)
GLOVE: Final = Preset(
    encoders=("glove",),
    about="texts by the vectors of their words, from a file in GloVe's or word2vec's format",
    languages="zh, en; whatever the vectors are of",
    needs="FILE",
    media="text",
)
_AT_ONCE: Final = 16_384  # words whose vectors are summed in one go: some ten MB
_CPU: Final = Compute("cpu", "float32")


class StaticWords:
    """A text is the mean of its words' vectors, on one CPU, without torch.

    Words are jieba's, of simplified characters; English ones are looked for as written, then in
    lower case, and a Chinese one that has no vector is the mean of its characters'. Where the
    vectors come with counts, a word weighs ``a / (a + p)``, p its share of all words and a = .001
    (SIF, Arora et al., 2017); else all weigh the same. Punctuation weighs nothing.

    Behind the mean stands one coordinate more. It is 0, but 1 for a text of which no word has a
    vector: such texts are alike, and have nothing in common with any other.
    """

    shape = None
    dtype = "str"
    size = 0
    asks_as_stored = True
    batches = True

    def __init__(self, key: EncoderKey, source: Path, licence: str, dictionaries: Any) -> None:
        self.key = key
        self.licence = licence
        self._source, self._dictionaries = source, tuple(dictionaries)

    @property
    def compute(self) -> Mapping[str, str]:
        """Sums of float32."""
        return {"dtype": _CPU.dtype, "device": _CPU.device}

    def prepare(self, decoded: str) -> NDArray[Any]:
        """A text is its own input."""
        return np.array(decoded)

    def encode(self, inputs: Sequence[str] | NDArray[Any]) -> Vectors:
        """Embed texts: (n, dim) unit rows."""
        rows = np.zeros((len(inputs), self.key.dim), dtype=np.float32)
        table = loaded((self.key.space, _CPU), partial(table_of, self._source))
        for places, found in _portions(self._found(table, inputs)):
            rows[places, :-1] = table.sums(found)
        unknown = ~rows.any(axis=1)
        rows[unknown, -1] = 1
        if unknown.any():
            log.info("%s: no word known in %d of %d", self.key.name, unknown.sum(), len(rows))
        return unit_rows(rows)

    def encode_query(self, decoded: str) -> Vectors:
        """Embed one text to search with: (dim,)."""
        vector: Vectors = self.encode([decoded])[0]
        return vector

    def encode_queries(self, decoded: Sequence[str]) -> Vectors:
        """Embed n texts to search with: (n, dim)."""
        return self.encode(decoded)

    def _found(self, table: WordTable, texts: Any) -> Iterator[list[tuple[int, float]]]:
        for text in texts:
            words = words_of(cleaned(str(text)), self._dictionaries)
            yield [hit for word in words for hit in table.find(word)]


def _portions(
    found: Iterator[list[tuple[int, float]]],
) -> Iterator[tuple[list[int], list[list[tuple[int, float]]]]]:
    """Texts with known words, and their places, ``_AT_ONCE`` words or one text at once."""
    places: list[int] = []
    hits: list[list[tuple[int, float]]] = []
    count = 0
    for place, one in enumerate(found):
        if one:
            places.append(place)
            hits.append(one)
            count += len(one)
        if count >= _AT_ONCE:
            yield places, hits
            places, hits, count = [], [], 0
    if hits:
        yield places, hits


def table_of(source: Path) -> WordTable:
    """The vectors of a file, or of a folder that training wrote."""
    return read_folder(source) if source.is_dir() else read_file(source)


def _built(name: str, segmentation: SegmentationSpec, runtime: RuntimeSpec) -> StaticWords:
    if name not in runtime.models:
        raise ConfigError(f"preset {name!r} has no vectors of its own: name some, {name}:FILE")
    file = place_of_weights(name, None, runtime).is_file()
    folder = folder_of(name, None, runtime, () if file else FILES)
    source, weights = _source(folder)
    dim = dim_of(source) if source.is_dir() else head_of(source).dim
    key = Keys(name, VERSION, weights, segmentation).key(name, Modality.TEXT, dim + 1)
    return StaticWords(key, source, folder.licence, segmentation.text_dictionaries)


def _source(folder: Folder) -> tuple[Path, str]:
    """What is read, and the digest of it; a file's own name does not count."""
    if CONFIG in folder.files:
        return folder.path, folder.digest
    path = folder.path / folder.files[0]
    return path, digest([sha256_of(path)])


def build_word2vec(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> StaticWords:
    """The encoder ``word2vec``: of a folder that training wrote, or of a file of vectors."""
    return _built("word2vec", segmentation, runtime)


def build_glove(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> StaticWords:
    """The encoder ``glove``: the same of a file."""
    return _built("glove", segmentation, runtime)
