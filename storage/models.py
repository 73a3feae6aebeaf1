"""Models with versions: ``models/<name>/<version>/``, never changed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from storage.atomic import make_folder, sync, write_bytes
from storage.errors import CorruptLakeError, ModelExistsError
from storage.layout import Layout


def store_model(layout: Layout, name: str, version: str, files: Mapping[str, bytes]) -> Path:
    """Store ``files`` as one version and return its folder, which appears whole.

    Raises ModelExistsError when the version exists.
    """
    folder = layout.model(name, version)
    if folder.exists():
        raise ModelExistsError(folder)
    make_folder(folder.parent)
    temporary = folder.with_name(f".{uuid4().hex}.tmp")
    try:
        for file, content in files.items():
            write_bytes(temporary / file, content)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync(folder.parent)
    return folder


def load_model(layout: Layout, name: str, version: str) -> dict[str, bytes]:
    """The files of a version by name; CorruptLakeError when there is none."""
    folder = layout.model(name, version)
    if not folder.is_dir():
        raise CorruptLakeError(folder, "is missing")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def versions(layout: Layout, name: str) -> list[str]:
    """The versions of a model, ``p2`` before ``p10``; empty when there is none."""
    folder = layout.models(name)
    found = [p.name for p in folder.iterdir() if p.is_dir()] if folder.is_dir() else []
    return sorted((v for v in found if not v.startswith(".")), key=_natural)


def _natural(version: str) -> list[tuple[str, int]]:
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", version)]
