"""A process that checks; who started it ends it when a check takes too long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pkgutil import resolve_name
from typing import Any, Final

from flows.commands.doctor.asked import Asked
from mmcore.inspection.machine.checked import Checked
from mmcore.processes.serving import Answer, serve
from storage.places.stores import is_store_error
from storage.schemas import MmindexError

_PATIENCE: Final = 5.0  # seconds in which a lake says its preset
_MACHINE: Final = "mmcore.inspection.machine"

PLAIN: Final = {
    "python": f"{_MACHINE}.system:python",
    "system": f"{_MACHINE}.system:system",
    "cores": f"{_MACHINE}.system:cpu",
    "memory": f"{_MACHINE}.system:memory",
    "open-files": f"{_MACHINE}.system:open_files",
    "environment": f"{_MACHINE}.environment:environment",
    "packages": f"{_MACHINE}.packages:packages",
    "torch": f"{_MACHINE}.devices:torch",
    "device": f"{_MACHINE}.devices:devices",
    "faiss": f"{_MACHINE}.libraries:faiss",
    "pyarrow": f"{_MACHINE}.libraries:pyarrow",
    "ffmpeg": f"{_MACHINE}.libraries:ffmpeg",
    "jieba": f"{_MACHINE}.libraries:jieba",
    "decoders": f"{_MACHINE}.decoding:decoders",
    "fonts": f"{_MACHINE}.fonts:fonts",
    "disk-tmp": "flows.commands.doctor.places:temporary",
    "disk-cache": "flows.commands.doctor.places:cached",
    "disk-prefect": "flows.commands.doctor.places:prefect_home",
    "prefect": "flows.commands.doctor.orchestration:prefect",
    "server": "flows.commands.doctor.orchestration:server",
    "pools": "flows.commands.doctor.orchestration:pools",
    "late": "flows.commands.doctor.orchestration:late",
}
"""Check → what makes it, imported only then: a library that does not load costs its own check."""

OF_LAKE: Final = {
    "lake": "flows.commands.doctor.lakes:current",
    "disk-lake": "flows.commands.doctor.lakes:lake_disk",
    "lake-files": "flows.commands.doctor.lakes:files",
    "lake-lock": "flows.commands.doctor.lakes:lock",
    "lake-age": "flows.commands.doctor.lakes:age",
    "lake-quarantine": "flows.commands.doctor.lakes:quarantine",
    "lake-blocked": "flows.commands.doctor.lakes:candidates",
    "lake-erasure": "flows.commands.doctor.lakes:erasure",
    "lake-growth": "flows.commands.doctor.lakes:growth",
}
"""Those of a lake."""


def main() -> None:
    """Work until there is no more input."""
    serve(_work)


def _work(told: Mapping[str, Any], answer: Answer) -> None:
    check, asked = told["check"], Asked.from_json(told["asked"])
    answer({"finished": [asdict(one) for one in checked(check, asked)]})


def checked(check: str, asked: Asked) -> list[Checked]:
    """What a check found; what it raised is a finding too."""
    found: list[Checked] = []
    try:
        found.extend(_found(check, asked))
    except Exception as error:  # noqa: BLE001 - told: one check cannot break the others
        found.append(
            Checked(check, "fail", _kind(error), {"subject": check, "error": _line(error)})
        )
    return found


def _found(check: str, asked: Asked) -> Iterator[Checked]:
    if check == "weights":
        preset = asked.preset or _preset_of(asked.lake)
        yield from _function(f"{_MACHINE}.weights:weights")(preset, asked.weights)
    elif check in OF_LAKE and asked.lake is not None:
        from flows.commands.doctor.lakes import layout_of  # noqa: PLC0415 - only where a lake is asked for

        yield from _function(OF_LAKE[check])(layout_of(asked.lake))
    elif check not in OF_LAKE:
        yield from _function(PLAIN.get(check, check))()


def _preset_of(lake: str | None) -> str:
    """The lake's, where that is read soon; else the usual one. That a lake hangs is told of it."""
    from flows.config.preset import USUAL, preset_of  # noqa: PLC0415 - only where no preset is named

    found = [USUAL]
    if lake is not None:
        asking = threading.Thread(target=lambda: found.append(preset_of(lake)), daemon=True)
        asking.start()
        asking.join(_PATIENCE)
    return found[-1]


def _function(place: str) -> Callable[..., Iterator[Checked]]:
    made: Callable[..., Iterator[Checked]] = resolve_name(place)
    return made


def _kind(error: Exception) -> str:
    if isinstance(error, MmindexError):
        return "refused"
    if isinstance(error, ImportError):
        return "unloadable"
    if isinstance(error, OSError) or is_store_error(error):
        return "unreachable"
    return "broke"


def _line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return (said if isinstance(error, MmindexError) else f"{type(error).__name__}: {said}")[:300]
