"""Walk a root and hash what size and mtime say has changed."""

from __future__ import annotations

import os
import posixpath
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mmcore.errors import ConfigError, MediaError, SourceError
from mmcore.media.limits import check_bytes
from mmcore.media.manifest import NAMES
from mmcore.media.sniff import HEAD, sniff
from mmcore.specs import CrawlSpec, LimitsSpec
from mmcore.types import MediaFile, Rejection, Source
from storage.schemas import content_hash

SNIFFER: Final = "sniff 1"
"""Decoder of the rejections made here; its number is raised when more types are known."""

JUNK: Final = (
    *(".*", "@eaDir", "#recycle", "#snapshot", "$RECYCLE.BIN", "System Volume Information"),
    *("lost+found", "__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "~$*"),
    *("*.part", "*.crdownload"),
)
"""Names that are never looked at: hidden files, folders of systems, unfinished downloads."""

LAKE: Final = {"CURRENT", "snapshots"}
"""A folder with both is a lake of ours: what was made of media is not media."""

_BLOCK: Final = 1 << 20
_THREADS: Final = 4
_RACY_NS: Final = 2_000_000_000  # coarse file systems stamp changes within two seconds alike


@dataclass(frozen=True, slots=True)
class Crawled:
    """What lies under a root now, by path."""

    files: tuple[MediaFile, ...]
    rejections: tuple[Rejection, ...]
    manifests: tuple[str, ...]  # paths below the root; they are no texts


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    location: str
    regular: bool
    size: int
    mtime_ns: int


def crawl(
    source: Source,
    spec: CrawlSpec,
    limits: LimitsSpec,
    known: Mapping[str, MediaFile],
    *,
    since_ns: int = 0,
    without: Path | None = None,
) -> Crawled:
    """List the media files of ``source``, sorted by path.

    A file whose size and mtime are those in ``known`` keeps its content id unread, unless its
    mtime is younger than ``since_ns`` (the start of the crawl that made ``known``) less two
    seconds. The folder ``without``, and any that is a lake, is left out. SourceError when the root
    is missing, no folder, has no file, or cannot be listed or read throughout.
    """
    root = local_root(source)
    try:
        found = sorted(_walk(root, "", spec, without), key=lambda entry: entry.path)
        named = _named_manifest(root, spec)
        manifests = tuple(e.path for e in found if _is_manifest(e, named))
        media = [entry for entry in found if not _is_manifest(entry, named)]
        settled_ns = since_ns - _RACY_NS

        def look(entry: _Found) -> MediaFile | Rejection:
            before = (
                None if spec.hash_all or entry.mtime_ns >= settled_ns else known.get(entry.path)
            )
            return _look(source.alias, entry, before, limits)

        with ThreadPoolExecutor(_THREADS) as pool:
            looked = list(pool.map(look, media))
    except OSError as error:
        raise SourceError(
            f"{source.url}: {error.strerror or error} ({error.filename or root});"
            " nothing was taken for deleted, run again when it can be read"
        ) from error
    if not found:
        raise SourceError(f"{source.url}: no file there; is it mounted, is it the right folder?")
    files = tuple(one for one in looked if isinstance(one, MediaFile))
    rejections = tuple(one for one in looked if isinstance(one, Rejection))
    return Crawled(files, rejections, manifests)


def local_root(source: Source) -> Path:
    """The real local folder of a source (a path or a file: URL); ConfigError for any other URL."""
    parts = urlsplit(source.url)
    if parts.scheme and len(parts.scheme) > 1 and "://" in source.url:
        if parts.scheme != "file":
            raise ConfigError(
                f"{source.url}: only local folders can be indexed; mount it, or copy it"
            )
        return Path(os.path.realpath(url2pathname(parts.path)))
    return Path(os.path.realpath(source.url))


def outside_manifest(root: Path, spec: CrawlSpec) -> Path | None:
    """The spec's manifest if it lies outside the root; ConfigError when there is no such file."""
    path = _named_manifest(root, spec)
    return None if path is None or path.is_relative_to(root) else path


def _named_manifest(root: Path, spec: CrawlSpec) -> Path | None:
    """``spec.manifest`` as a real path: below the root if it is there, else from where we are."""
    if spec.manifest is None:
        return None
    inside = root / spec.manifest
    path = Path(os.path.realpath(inside if inside.is_file() else spec.manifest))
    if not path.is_file():
        raise ConfigError(f"{spec.manifest}: no such manifest, neither below {root} nor from here")
    return path


def _is_manifest(entry: _Found, named: Path | None) -> bool:
    return posixpath.basename(entry.path).lower() in NAMES or Path(entry.location) == named


def _walk(root: Path, folder: str, spec: CrawlSpec, without: Path | None) -> Iterator[_Found]:
    """Entries below a folder that are neither junk nor left out.

    Links to folders are not followed: what they show has a path of its own in the root, or lies
    outside of it. Links to files count when their target lies in the root.
    """
    with os.scandir(root / folder) as listing:
        entries = list(listing)
    if {entry.name for entry in entries} >= LAKE:
        return
    for entry in entries:
        path = posixpath.join(folder, entry.name)
        if _left_out(path, entry.name, spec) or Path(entry.path) == without:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, path, spec, without)
        elif _taken(path, spec) and (not entry.is_symlink() or _stays_inside(root, entry.path)):
            with suppress(FileNotFoundError):  # gone since it was listed: it is not there
                status = entry.stat()
                regular = stat.S_ISREG(status.st_mode)
                yield _Found(path, entry.path, regular, status.st_size, status.st_mtime_ns)


def _stays_inside(root: Path, link: str) -> bool:
    target = Path(os.path.realpath(link))
    return target.is_relative_to(root) and target.is_file()


def _left_out(path: str, name: str, spec: CrawlSpec) -> bool:
    return any(fnmatchcase(name, junk) for junk in JUNK) or _matches(path, spec.exclude)


def _taken(path: str, spec: CrawlSpec) -> bool:
    return (
        not spec.include
        or posixpath.basename(path).lower() in NAMES
        or _matches(path, spec.include)
    )


def _matches(path: str, globs: tuple[str, ...]) -> bool:
    """Whether a glob fits the whole path; ``*`` crosses folders."""
    plain = unicodedata.normalize("NFC", path)
    return any(
        fnmatchcase(plain, unicodedata.normalize("NFC", glob.rstrip("/"))) for glob in globs
    )


def _look(
    alias: str, entry: _Found, before: MediaFile | None, limits: LimitsSpec
) -> MediaFile | Rejection:
    """A media file with its type and content id, or why it is none."""
    same = before is not None and (before.size, before.mtime_ns) == (entry.size, entry.mtime_ns)
    try:
        _check_regular(entry)
        check_bytes(entry.size, limits)
        if before is not None and same:
            return replace(before, root=alias, language=None)
        return _read(alias, entry)
    except MediaError as error:
        return Rejection(
            alias, entry.path, None, error.stage, error.reason, error.message, SNIFFER
        )


def _check_regular(entry: _Found) -> None:
    if not entry.regular:
        raise MediaError("crawl", "not-a-file", "a pipe, a socket or a device")


def _read(alias: str, entry: _Found) -> MediaFile:
    """Sniff and hash one file; its stamps are those from before the reading, so a change shows."""
    hasher = content_hash()
    size = 0
    try:
        with Path(entry.location).open("rb") as file:
            head = file.read(HEAD)
            if not head:
                raise MediaError("sniff", "empty", "zero bytes")
            kind = sniff(head)
            if kind is None:
                raise MediaError(
                    "sniff", "unsupported-type", "not a known picture, text, sound or video"
                )
            file.seek(0)
            while block := file.read(_BLOCK):
                hasher.update(block)
                size += len(block)
    except FileNotFoundError as error:
        raise MediaError("crawl", "vanished", "it went away while the root was crawled") from error
    except PermissionError as error:
        raise MediaError("crawl", "unreadable", "no permission to read it") from error
    return MediaFile(alias, entry.path, hasher.hexdigest(), *kind, size, entry.mtime_ns)
