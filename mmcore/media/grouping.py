"""Media files → items: by manifest, number, stem or folder."""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final

from mmcore.media import names
from mmcore.media.crawl import Crawled
from mmcore.media.drafts import Draft
from mmcore.media.manifest import ManifestRow
from mmcore.media.partly import rows_in_part
from mmcore.media.roots import location_of, manifest_rows, outside_manifest
from mmcore.registry import Registry
from mmcore.specs import CrawlSpec
from mmcore.types import Item, MediaFile, Source

log = logging.getLogger(__name__)

Grouping = Callable[[MediaFile], str | None]

groupings: Final[Registry[Grouping]] = Registry("mmindex.groupings", "grouping")


def by_stem(file: MediaFile) -> str:
    """Key of a file by its path without extension and language suffix."""
    return names.stem(file)[0]


def by_number(file: MediaFile) -> str | None:
    """Key of ``image_1.jpg``, ``text_1.txt``, ``audio_01.wav`` by number; None for other names."""
    return names.number(file)


def by_folder(file: MediaFile) -> str | None:
    """Key of a file by its folder; None for a file that lies in the root itself."""
    return posixpath.dirname(names.readable(file.path)) or None


def items_of(
    source: Source, crawled: Crawled, spec: CrawlSpec, *, private: bool = False
) -> tuple[Item, ...]:
    """Read the manifests that ``crawled`` found or ``spec`` names and group the files.

    ``private``: no label is taken from a folder's name, and no name is logged.
    """
    manifests = manifests_of(source, crawled, spec)
    if crawled.share < 1:  # a row whose file comes with a later part names nothing yet
        told = source.alias, crawled.share, spec.grouping
        manifests = {
            folder: rows_in_part(rows, folder, *told) for folder, rows in manifests.items()
        }
    return group(crawled.files, spec.grouping, manifests, source.alias, private=private)


def manifests_of(
    source: Source, crawled: Crawled, spec: CrawlSpec
) -> dict[str, list[ManifestRow]]:
    """The rows of all manifests that ``crawled`` found or ``spec`` names, by folder."""
    manifests: dict[str, list[ManifestRow]] = {}
    for path in crawled.manifests:
        folder = posixpath.dirname(names.readable(path))
        manifests.setdefault(folder, []).extend(manifest_rows(location_of(source, path)))
    outside = outside_manifest(source, spec)
    if outside is not None:
        manifests.setdefault("", []).extend(manifest_rows(outside))
    return manifests


def group(
    files: Iterable[MediaFile],
    grouping: str,
    manifests: Mapping[str, Sequence[ManifestRow]],
    root: str,
    *,
    private: bool = False,
) -> tuple[Item, ...]:
    """Items by key, each file in at least one, whatever the order of ``files``.

    ``manifests`` maps folders to rows. A file that they name goes where they say; any other by the
    plug-in ``grouping`` (``auto``: by number, else by stem), and by stem where that knows no key.
    """
    plug_in = _number_then_stem if grouping == "auto" else groupings.get(grouping)

    def key_of(file: MediaFile) -> str:
        return plug_in(file) or by_stem(file)

    rows = [(folder, row) for folder in sorted(manifests) for row in manifests[folder]]
    told: Iterable[MediaFile] = _with_languages(files, rows)
    drafts: dict[str, Draft] = {}
    placed: set[str] = set()
    if rows:
        told = list(told)
        found = _by_name(told)
        for folder, row in rows:
            _warn_of_missing(folder, row, found, private=private)
            placed |= _place(drafts, folder, row, found, key_of)
    plain: dict[str, list[MediaFile]] = {}  # a draft of each would take half a kilobyte
    for file in (file for file in told if file.path not in placed):
        plain.setdefault(key_of(file), []).append(file)
    for key in drafts.keys() & plain.keys():
        drafts[key].add(*plain.pop(key))
    return tuple(
        (drafts.get(key) or Draft.of(plain[key])).item(root, key, private=private)
        for key in sorted([*drafts, *plain])
    )


def _number_then_stem(file: MediaFile) -> str:
    return by_number(file) or by_stem(file)


def _by_name(files: Iterable[MediaFile]) -> dict[str, list[MediaFile]]:
    """Files by readable path: names that differ in NFC and NFD only are found by either."""
    found: dict[str, list[MediaFile]] = {}
    for file in sorted(files, key=attrgetter("path")):
        found.setdefault(names.readable(file.path), []).append(file)
    return found


def _with_languages(
    files: Iterable[MediaFile], rows: Iterable[tuple[str, ManifestRow]]
) -> Iterator[MediaFile]:
    """Each file with the language that a manifest, else its name, gives it."""
    told = {
        posixpath.join(folder, row.path): row.language
        for folder, row in rows
        if row.path and row.language and not row.captions
    }
    for file in files:
        language = names.stem(file)[1]
        if told:
            language = told.get(names.readable(file.path), language)
        yield file if file.language == language else replace(file, language=language)


def _warn_of_missing(
    folder: str, row: ManifestRow, found: Mapping[str, Sequence[MediaFile]], *, private: bool
) -> None:
    """Log that a row names a file that is not there; of a private root its line alone."""
    path = posixpath.join(folder, row.path) if row.path else None
    if path and path not in found and private:
        log.warning("line %d of a manifest names a file that is not there", row.line)
    elif path and path not in found:
        place = f"{posixpath.join(folder, row.manifest)}, line {row.line}"
        log.warning("%s: there is no file %s", place, path)


def _place(
    drafts: dict[str, Draft],
    folder: str,
    row: ManifestRow,
    found: Mapping[str, Sequence[MediaFile]],
    key_of: Callable[[MediaFile], str],
) -> set[str]:
    """Put what one row names into its item; return the paths of the files it placed."""
    path = posixpath.join(folder, row.path) if row.path else None
    files = found.get(path, ()) if path else ()
    place = f"{posixpath.join(folder, row.manifest)}, line {row.line}"
    if path and not files and not row.item:
        return set()
    key = posixpath.join(folder, row.item) if row.item else key_of(files[0])
    draft = drafts.setdefault(key, Draft())
    draft.add(*files)
    draft.describe(row, posixpath.join(folder, row.manifest), place)
    return {file.path for file in files}
