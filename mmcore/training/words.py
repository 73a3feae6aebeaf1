"""Train word2vec (skip-gram, negative sampling; Mikolov et al., 2013) on texts, by gensim."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from mmcore.encoders.embedded_text import cleaned
from mmcore.encoders.families.word_folder import write_folder
from mmcore.encoders.families.word_table import words_of
from mmcore.encoders.weights.releases import UNKNOWN
from mmcore.errors import ConfigError, MissingExtraError
from mmcore.training.loop.licences import one_line

NEGATIVE: Final = 5  # words drawn against each that is seen
_MOST: Final = 10_000  # words of a sentence that gensim reads; a longer text is several
_BETWEEN: Final = "\t"  # no word holds one


def train(  # noqa: PLR0913 - what decides the vectors
    texts: Iterable[str],
    to: Path,
    *,
    dim: int = 100,
    window: int = 5,
    min_count: int = 2,
    epochs: int = 10,
    seed: int = 0,
    licence: str = UNKNOWN,
    dictionaries: Sequence[str] = (),
) -> Path:
    """Write a folder that ``--preset word2vec:FOLDER`` loads; the same texts give the same one.

    Words are those that the encoder looks for: jieba's, of simplified characters, in lower case;
    ``dictionaries`` are those of the lake. ``texts`` are read once, and kept as words on disk
    meanwhile. ``vocab.txt`` then lists words of the texts: mind whom it is given to.

    Raises MissingExtraError without gensim, ConfigError where ``to`` is taken, a number is none,
    a licence is not one line, or no word occurs ``min_count`` times.
    """
    if find_spec("gensim") is None:
        raise MissingExtraError("training word2vec", "words")
    if min(dim, window, min_count, epochs) < 1 or seed < 0:
        raise ConfigError("dim, window, min_count and epochs are 1 or more, seed is 0 or more")
    try:
        one_line(licence)
    except ValueError as error:
        raise ConfigError(f"licence: {error}") from error
    if to.exists():
        raise ConfigError(f"{to}: is there already: name another folder")
    options = {"window": window, "min_count": min_count, "epochs": epochs, "seed": seed}
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}.", dir=to.parent) as scratch:
        with (Path(scratch) / "words").open("w+", encoding="utf-8", newline="\n") as file:
            count = _keep(file, texts, dictionaries)
            model = _trained(_Sentences(file), dim, options)
        made = Path(scratch) / "made"
        made.mkdir()
        _write(made, model.wv, {**options, "texts": count, "licence": licence})
        made.rename(to)
    return to


class _Sentences:
    """The words of all texts, as often as gensim reads them."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __iter__(self) -> Iterator[list[str]]:
        self._file.seek(0)
        for line in self._file:
            yield line.rstrip("\n").split(_BETWEEN)


def _keep(file: IO[str], texts: Iterable[str], dictionaries: Sequence[str]) -> int:
    """Write the words of each text, ``_MOST`` a line; how many texts there were."""
    count = 0
    for text in texts:
        count += 1
        words = [word.lower() for word in words_of(cleaned(text), dictionaries)]
        for start in range(0, len(words), _MOST):
            file.write(_BETWEEN.join(words[start : start + _MOST]) + "\n")
    return count


def _trained(sentences: _Sentences, dim: int, options: Mapping[str, int]) -> Any:
    """One thread, and a hash that is the same in each process: else no two runs are alike."""
    from gensim.models import Word2Vec  # noqa: PLC0415 - only here

    model = Word2Vec(
        vector_size=dim,
        sg=1,
        negative=NEGATIVE,
        workers=1,
        hashfxn=_hash,
        **options,
    )
    model.build_vocab(sentences)
    if not len(model.wv):
        raise ConfigError(
            f"no word occurs {options['min_count']} times in these texts: nothing can be trained"
        )
    model.train(sentences, total_examples=model.corpus_count, epochs=model.epochs)
    return model


def _hash(word: str) -> int:
    return zlib.crc32(word.encode())


def _write(folder: Path, vectors: Any, facts: Mapping[str, Any]) -> None:
    """Vectors with their counts, and a card for people."""
    counts = [vectors.get_vecattr(word, "count") for word in vectors.index_to_key]
    about = {
        "method": f"word2vec, skip-gram, {NEGATIVE} negative samples",
        "gensim": version("gensim"),
        "occurrences": int(sum(counts)),
        **facts,
    }
    write_folder(folder, vectors.index_to_key, vectors.vectors, np.array(counts), about)
    lines = [
        *("---", f"license: {facts['licence']}", "---", "# Word vectors", ""),
        f"{len(counts)} words of {facts['texts']} texts, {vectors.vector_size} dimensions."
        " Trained by `mmindex encoders train word2vec`; loaded by `--preset word2vec:FOLDER`.",
        *("", *(f"- {name}: {value}" for name, value in about.items())),
    ]
    (folder / "README.md").write_text("\n".join(lines) + "\n", "utf-8")
