"""Our own folder of word vectors: config.json, vocab.txt and vectors.safetensors.

``vocab.txt`` has a word a line, as many as ``vectors`` (float16 or float32) has rows; ``counts``
(int64), where it is there, says how often each occurred. Vectors are mapped from the file: of a
large one, only what is used takes memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mmcore.encoders.families.word_table import WordTable
from mmcore.errors import ConfigError

CONFIG: Final = "config.json"
VOCABULARY: Final = "vocab.txt"
VECTORS: Final = "vectors.safetensors"
FILES: Final = (CONFIG, VOCABULARY, VECTORS)
FORMAT: Final = "mmindex-words-1"
_DTYPES: Final = {"F16": "<f2", "F32": "<f4", "I64": "<i8"}


def dim_of(folder: Path) -> int:
    """Dimensions of a folder's vectors; ConfigError for one that is no such folder."""
    path = folder / CONFIG
    try:
        told = json.loads(path.read_text("utf-8"))
        found, dim = told["format"], told["dim"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: is not of a folder of word vectors ({error!r})") from error
    if found != FORMAT:
        raise ConfigError(f"{path}: format is {found!r}, known is {FORMAT!r}")
    if not isinstance(dim, int) or dim < 1:
        raise ConfigError(f"{path}: dim is {dim!r}")
    return dim


def read_folder(folder: Path) -> WordTable:
    """The vectors of a folder; ConfigError where its files do not fit together."""
    dim = dim_of(folder)
    vocabulary = (folder / VOCABULARY).read_bytes().decode().split("\n")[:-1]
    tensors = _mapped(folder / VECTORS)
    vectors, counts = tensors.get("vectors"), tensors.get("counts")
    if vectors is None or vectors.shape != (len(vocabulary), dim):
        shape = None if vectors is None else vectors.shape
        raise ConfigError(
            f"{folder / VECTORS}: vectors of {shape}, but {len(vocabulary)} words of {dim}"
        )
    if counts is not None and (counts.shape != (len(vocabulary),) or counts.min() < 0):
        raise ConfigError(f"{folder / VECTORS}: counts are not one number a word")
    return WordTable.of(vocabulary, vectors, counts)


def _mapped(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a file of safetensors, mapped; the library checks its header."""
    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    with path.open("rb") as raw:
        length = int.from_bytes(raw.read(8), "little")
        head = json.loads(raw.read(length))
    return {name: _tensor(path, head[name], 8 + length) for name in names}


def _tensor(path: Path, told: Mapping[str, Any], start: int) -> NDArray[Any]:
    if told["dtype"] not in _DTYPES:
        raise ConfigError(f"{path}: a tensor of {told['dtype']}, known are {', '.join(_DTYPES)}")
    if 0 in told["shape"]:
        raise ConfigError(f"{path}: a tensor of {told['shape']}: there are no words")
    offset = start + told["data_offsets"][0]
    return np.memmap(path, _DTYPES[told["dtype"]], "r", offset, tuple(told["shape"]))


def write_folder(
    folder: Path,
    vocabulary: Sequence[str],
    vectors: NDArray[Any],
    counts: NDArray[np.int64] | None = None,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write into a folder that is there; ``about`` goes into config.json."""
    tensors = {"vectors": np.ascontiguousarray(vectors)}
    if counts is not None:
        tensors["counts"] = counts.astype(np.int64)
    save_file(tensors, folder / VECTORS)
    (folder / VOCABULARY).write_bytes("".join(f"{word}\n" for word in vocabulary).encode())
    told = {"format": FORMAT, "dim": vectors.shape[1], "words": len(vocabulary), **(about or {})}
    (folder / CONFIG).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
