"""What processes tell each other, as JSON-like values and back: encoders and failures."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

from mmcore import errors
from mmcore.types import EncoderKey
from storage.schemas import MmindexError, Modality


def encoder_from(told: Mapping[str, Any]) -> EncoderKey:
    """The key that ``dataclasses.asdict`` made a mapping of."""
    reads = tuple(map(Modality, told["reads"]))
    return EncoderKey(**{**told, "modality": Modality(told["modality"]), "reads": reads})


class WorkerError(RuntimeError):
    """A fault of ours, or of an encoder, in a worker process; has its traceback."""


def told_failure(error: Exception) -> dict[str, Any]:
    """An error that ends a job, as JSON-like values."""
    if isinstance(error, OSError) and error.errno is not None:
        name = None if error.filename is None else str(error.filename)
        return {"errno": error.errno, "message": error.strerror or "", "filename": name}
    if isinstance(error, MmindexError):
        return {"kind": type(error).__name__, "message": str(error), "facts": _facts(error)}
    return {"traceback": "".join(traceback.format_exception(error))}


_SIMPLE: Final = (str, int, float, bool, type(None))


def _facts(error: Exception) -> dict[str, Any]:
    """The attributes of an error that JSON has, paths as their names."""
    told = {
        name: str(value) if isinstance(value, PurePath) else value
        for name, value in vars(error).items()
    }
    return {name: value for name, value in told.items() if _is_simple(value)}


def _is_simple(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(one, _SIMPLE) for one in value)
    return isinstance(value, _SIMPLE)


def failure_from(told: Mapping[str, Any], where: str) -> Exception:
    """The error that ``told_failure`` told of, as nearly as its kind can be had here.

    One of ours has the attributes that it had there, if they are simple.
    ``where`` says which process it was.
    """
    if "errno" in told:
        return OSError(told["errno"], told["message"], told["filename"])
    if "traceback" in told:
        return WorkerError(f"in {where}:\n{told['traceback']}")
    kind = getattr(errors, told["kind"], None)
    if not (isinstance(kind, type) and issubclass(kind, MmindexError)):
        kind = MmindexError
    restored: Exception = kind.__new__(kind, told["message"])
    restored.args = (told["message"],)
    for name, value in told.get("facts", {}).items():
        vars(restored)[name] = tuple(value) if isinstance(value, list) else value
    return restored
