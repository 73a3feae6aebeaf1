"""Searches of some who ask → the answers of one snapshot; the fault of one is not the others'."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mmcore.search.answers import Answer
from mmcore.search.asking.queries import MOST_CHUNKS
from mmcore.search.http.errors import lacks
from mmcore.search.http.served import Served
from mmcore.search.request import SearchRequest
from storage.errors import SnapshotReissuedError
from storage.schemas import MmindexError, Modality

_PASSAGE: Final = 150  # characters: about as many, or more, are one


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """An answer, with the searcher that gave it: links and numbers of files are of that."""

    served: Served
    answer: Answer


def passages(request: SearchRequest) -> int:
    """About how many passages of text an encoder has to work on for a search, or more."""
    texts = [part.text for part in request.parts if part.text is not None]
    return sum(min(MOST_CHUNKS, 1 + len(text) // _PASSAGE) for text in texts)


def answers(served: Served, requests: Sequence[SearchRequest]) -> list[Answered | Exception]:
    """The answer to each of some searches, or its error.

    SnapshotReissuedError where an erasure took the snapshot away.
    """
    try:
        found = _tried(served, requests)
    except SnapshotReissuedError:
        raise
    except Exception:
        if len(requests) == 1:
            raise
        found = [_alone(served, one) for one in requests]
    return [Answered(served, one) if isinstance(one, Answer) else one for one in found]


@dataclass(frozen=True, slots=True)
class WithFile:
    """A search that asks with a file, and with which side of it."""

    path: Path
    modality: Modality | None
    request: SearchRequest


def answer_with_file(
    served: Served, asked: WithFile, decoding: AbstractContextManager[object]
) -> Answered:
    """The answer to a search with a file, which a worker process decodes while ``decoding``."""
    try:
        with decoding:
            served.asker.read(asked.path, asked.modality)
        (answer,) = _tried(served, [asked.request])
    except SnapshotReissuedError:
        raise
    except MmindexError as error:
        raise _told(served, error) from error
    finally:
        served.asker.forget(asked.path, asked.modality)
    if isinstance(answer, Exception):
        raise answer
    return Answered(served, answer)


def _tried(served: Served, requests: Sequence[SearchRequest]) -> list[Answer | Exception]:
    """The answers; what the server lacks is not told as the asker's fault.

    SnapshotReissuedError where one of them comes to it.
    """
    found = served.answers(requests)
    for one in found:
        if isinstance(one, SnapshotReissuedError):
            raise one
    return [one if isinstance(one, Answer) else _told(served, one) for one in found]


def _alone(served: Served, request: SearchRequest) -> Answer | Exception:
    """The answer of one of several searches of which another one trips over a fault of ours."""
    try:
        return _tried(served, [request])[0]
    except SnapshotReissuedError:
        raise
    except Exception as error:  # noqa: BLE001 - who asked for it is told
        return error


def _told(served: Served, error: Exception) -> Exception:
    return lacks(error) if any(error is e for e in served.asker.missing.values()) else error
