"""Fetch one file of weights from the server of the library that publishes it (PyTorch's)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.weights.arriving import (
    arriving,
    check_files,
    converted,
    finished,
    there,
)
from mmcore.encoders.weights.cards import Card, read_card
from mmcore.encoders.weights.hashes import read_hash
from mmcore.encoders.weights.wanted import Fetched, Wanted
from mmcore.errors import UnreachableError, UnsafeWeightsError

SERVER: Final = "https://download.pytorch.org"

MIRROR: Final = "MMINDEX_PYTORCH_MIRROR"
"""Variable: a server with the same paths as PyTorch's."""

CONFIG: Final = "config.json"


def fetch_file(wanted: Wanted, path: str, config: Mapping[str, Any]) -> Fetched:
    """Bring ``SERVER/path`` and a ``config.json`` into ``wanted.target``.

    The beginning of its sha256 has to be known (``wanted.sha256``), or the file is made
    safetensors at once, where that is wanted: UnsafeWeightsError else, and for another hash.
    UnreachableError where the server does not answer.
    """
    card = read_card(wanted.target)
    if there(wanted.target, card, wanted.id, wanted.revision):
        return Fetched(wanted.preset, wanted.target, card, new=False)
    licence = wanted.allowed(wanted.licence)
    name, url = path.rpartition("/")[2], f"{_server()}/{path}"
    pin = wanted.sha256.get(name, "")
    if not pin and not wanted.trusted:
        raise UnsafeWeightsError(
            url,
            "it is a pickle, and nobody publishes its sha256. If you trust its server,"
            " --trust-pickle opens it once, without running its code, and keeps safetensors",
        )
    with arriving(wanted.target) as folder:
        _bring(url, folder / name, pin)
        files = {name: pin}
        check_files(folder, files, url.rpartition("/")[0])
        was = converted(folder, files) if wanted.trusted else ""
        (folder / CONFIG).write_text(json.dumps(dict(config), indent=1) + "\n", "utf-8")
        told = Card(
            id=wanted.id,
            preset=wanted.preset,
            licence=licence,
            revision=wanted.revision,
            source=url,
            converted=was,
        )
        card = finished(folder, {**files, CONFIG: ""}, told)
    return Fetched(wanted.preset, wanted.target, card, new=True)


def _server() -> str:
    return (os.environ.get(MIRROR) or SERVER).rstrip("/")


def _bring(url: str, path: Path, pin: str) -> None:
    """Download a file, unless it is there whole; it appears when its hash is right."""
    from torch.hub import download_url_to_file  # noqa: PLC0415 - loads torch

    if pin and path.is_file() and read_hash(path).startswith(pin):
        return
    try:
        download_url_to_file(url, str(path), hash_prefix=pin or None, progress=sys.stderr.isatty())
    except RuntimeError as error:  # torch's word for another hash
        why = " ".join(str(error).split())
        raise UnsafeWeightsError(url, f"{why}: it was cut off, or is another file") from error
    except OSError as error:
        if error.errno:
            raise  # of this machine: a full disk
        why = " ".join(str(error).split())[:200]
        raise UnreachableError(
            f"{url}: cannot be reached ({why}). {MIRROR}=https://… names a server with the same"
            " paths; or copy the folder by hand from a machine that has it"
        ) from error
