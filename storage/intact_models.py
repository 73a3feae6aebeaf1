"""Stored versions of models that may be published: compared with what they were when stored."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from storage.errors import CorruptLakeError
from storage.json_files import read_object
from storage.layout import Layout
from storage.manifest import Manifest
from storage.models import HASHES, TELLING, own_files, read, sha256, versions
from storage.schemas import is_record, record_name

log = logging.getLogger(__name__)


def intact_files(
    layout: Layout, name: str, version: str, newest: Iterable[Manifest]
) -> dict[str, bytes]:
    """The files of a version by name, as they were when it was stored: it may be published.

    Those that the first of the manifests ``newest`` names which names some, else all. Each is
    compared with what every manifest says of it; where none names the version, with what was
    stored beside it. Versions of before ``hashes.json`` that were never published have nothing to
    be compared with. What only tells of the model, and is missing or another by now, is left out
    with a warning. Raises UnknownModelError, and CorruptLakeError for any other such file.
    """
    naming, folder = list(newest), layout.model(name, version)
    paths = own_files(layout, name, version, naming)
    named = [mine for one in naming if (mine := one.paths(layout.relative(folder)))]
    if named:
        paths = [layout.root / path for path in named[0]]
        sums = _told_sums(layout, paths, naming)
    else:
        sums = _stored_sums(folder)
        paths = sorted({*paths, *(folder / name for name in sums)})
    files = {}
    for path in paths:
        try:
            files[path.name] = _checked(path, sums.get(path.name, set()))
        except CorruptLakeError as error:
            if path.name not in TELLING:
                raise
            log.warning("%s %s: the model goes without it", layout.relative(path), error.why)
    return files


def _told_sums(
    layout: Layout, paths: Iterable[Path], naming: Iterable[Manifest]
) -> dict[str, set[str]]:
    """File → what manifests say of it."""
    of_manifests = [file for one in naming for file in one.files]
    return {
        path.name: {file.sha256 for file in of_manifests if file.path == layout.relative(path)}
        for path in paths
    }


def _stored_sums(folder: Path) -> dict[str, set[str]]:
    return {name: {str(of)} for name, of in (read_object(folder / HASHES) or {}).items()}


def _checked(path: Path, known: set[str]) -> bytes:
    """CorruptLakeError for a file with another checksum than any that is known, or its name's."""
    content = read(path)
    if not known and is_record(path.name) and path.name != "config.json":
        sound = path.name == record_name(content)
    else:
        sound = known <= {sha256(content)}
    if not sound:
        raise CorruptLakeError(path, "has another checksum than when it was stored")
    return content


def alike(
    layout: Layout, name: str, files: Mapping[str, bytes], newest: Iterable[Manifest]
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Sound versions whose tensors are those of ``files``, the newest first, and their files.

    Records have the name of their version: whoever asks compares what they say.
    """
    naming = list(newest)
    tensors = {file: content for file, content in files.items() if file.endswith(".safetensors")}
    for version in reversed(versions(layout, name)):
        folder = layout.model(name, version)
        with suppress(CorruptLakeError):  # a damaged one is as good as none
            if all(_has(folder / file, content) for file, content in tensors.items()):
                yield version, intact_files(layout, name, version, naming)


def _has(path: Path, content: bytes) -> bool:
    return path.exists() and path.stat().st_size == len(content) and read(path) == content
