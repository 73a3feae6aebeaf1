"""Directions that were scored before a run was killed: the next one takes them."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.evaluation.outcomes import Measured, Outcome
from mmcore.evaluation.ranking import Ranking
from mmcore.types import Ids
from storage.places.atomic import write_bytes
from storage.schemas import digest

log = logging.getLogger(__name__)

_WORDS: Final = ("set", "name", "queries", "categories", "languages", "masks", "gallery", "kind")
_COUNTS: Final = ("relevant", "first", "sizes")
_LISTS: Final = ("found", "hits", "expected")

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Kept:
    """One folder for one evaluation of one snapshot: another key, another folder.

    A direction is two files: numbers (``.npz``), and words with the hash of the numbers
    (``.json``), which come last.
    """

    folder: Path

    def load(self, name: str) -> Measured | None:
        """What came of a direction; None where it is not there whole."""
        numbers, words = self._files(name)
        try:
            told = json.loads(words.read_bytes())
            data = numbers.read_bytes()
            if told["numbers"] != _hash(data):
                return None
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                full, *common = [_outcome(of, arrays, f"{i}.") for i, of in enumerate(told["of"])]
            whole = full.name == name and all(map(_fits, (full, *common)))
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None
        if not whole:
            return None
        return Measured(full, common[0] if common else None)

    def save(self, measured: Measured) -> None:
        """Write one; its JSON comes last. Where that fails, it is asked again: a warning."""
        try:
            self._write(measured)
        except OSError as error:
            log.warning("%s is not kept, should this run be killed: %s", measured.full.name, error)

    def _write(self, measured: Measured) -> None:
        numbers, words = self._files(measured.full.name)
        outcomes = [one for one in (measured.full, measured.common) if one is not None]
        arrays = {k: v for i, one in enumerate(outcomes) for k, v in _arrays(one, f"{i}.")}
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        data = buffer.getvalue()
        write_bytes(numbers, data)
        told = {"numbers": _hash(data), "of": [_words(one) for one in outcomes]}
        write_bytes(words, json.dumps(told, ensure_ascii=False).encode())

    def _files(self, name: str) -> tuple[Path, Path]:
        stem = digest(name)
        return self.folder / f"{stem}.npz", self.folder / f"{stem}.json"


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _words(outcome: Outcome) -> dict[str, Any]:
    """What is no number."""
    told = {name: getattr(outcome, name) for name in _WORDS}
    return {**told, "top": outcome.top, "measures": list(outcome.scores)}


def _arrays(outcome: Outcome, prefix: str) -> list[tuple[str, NDArray[Any]]]:
    """All numbers, by name; a list of arrays as their lengths and all in a row."""
    ranking = outcome.ranking
    found: list[tuple[str, NDArray[Any]]] = [(f"{prefix}groups", outcome.groups)]
    found += [(f"{prefix}{name}", getattr(ranking, name)) for name in _COUNTS]
    for name in _LISTS:
        parts = getattr(ranking, name)
        found.append((f"{prefix}{name}", _flat(parts)))
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        found.append((f"{prefix}{name}.lengths", lengths))
    scores = enumerate(outcome.scores.values())
    return [*found, *((f"{prefix}scores.{place}", values) for place, values in scores)]


def _flat(parts: Sequence[Ids]) -> Ids:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _outcome(told: Mapping[str, Any], arrays: Arrays, prefix: str) -> Outcome:
    """KeyError, ValueError or TypeError where something is missing."""
    measures = enumerate(told["measures"])
    return Outcome(
        set=told["set"],
        name=told["name"],
        queries=tuple(told["queries"]),
        groups=arrays[f"{prefix}groups"],
        categories=tuple(told["categories"]),
        languages=tuple(told["languages"]),
        masks=tuple(told["masks"]),
        gallery=told["gallery"],
        kind=told["kind"],
        scores={name: arrays[f"{prefix}scores.{place}"] for place, name in measures},
        ranking=_ranking(arrays, prefix),
        top=tuple(told["top"]),
    )


def _fits(outcome: Outcome) -> bool:
    """Whether all of it is of as many queries."""
    ranking = outcome.ranking
    columns = [getattr(outcome, name) for name in ("groups", "categories", "languages", "masks")]
    columns += [outcome.top, *outcome.scores.values()]
    columns += [getattr(ranking, name) for name in (*_LISTS, *_COUNTS)]
    return {len(column) for column in columns} == {len(outcome.queries)}


def _ranking(arrays: Arrays, prefix: str) -> Ranking:
    found, hits, expected = (_parts(arrays, f"{prefix}{name}") for name in _LISTS)
    relevant, first, sizes = (arrays[f"{prefix}{name}"] for name in _COUNTS)
    return Ranking(found, hits, expected, relevant, first, sizes)


def _parts(arrays: Arrays, name: str) -> tuple[Ids, ...]:
    ends = np.cumsum(arrays[f"{name}.lengths"])
    return tuple(np.split(arrays[name], ends[:-1])) if len(ends) else ()
