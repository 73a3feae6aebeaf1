"""Walk a root and hash what size and mtime say has changed."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fnmatch import translate
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
_JUNK: Final = re.compile("|".join(map(translate, JUNK)))

LAKE: Final = {"CURRENT", "snapshots"}
"""A folder with both is a lake of ours: what was made of media is not media."""

_BLOCK: Final = 1 << 20
_THREADS: Final = 4
RACY_NS: Final = 2_000_000_000  # coarse file systems stamp changes within two seconds alike


@dataclass(frozen=True, slots=True)
class Crawled:
    """What lies under a root now, by path."""

    files: tuple[MediaFile, ...]
    rejections: tuple[Rejection, ...]
    manifests: tuple[str, ...]  # paths below the root; they are no texts


@dataclass(frozen=True, slots=True)
class Entry:
    """A name below a root, as the file system gives it; nothing of it has been read."""

    path: str
    location: str
    regular: bool
    size: int
    mtime_ns: int
    manifest: bool


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """All entries of a root, sorted by path."""

    source: Source
    entries: tuple[Entry, ...]

    @property
    def newest_ns(self) -> int:
        """The youngest mtime."""
        return max(entry.mtime_ns for entry in self.entries)

    def stamp(self) -> str:
        """Hash of every path with its size and mtime: the same one tells that nothing changed."""
        hasher = content_hash()
        for entry in self.entries:
            line = f"{entry.path}\0{entry.size}\0{entry.mtime_ns}\0"
            hasher.update(line.encode("utf-8", "surrogateescape"))
        return hasher.hexdigest()


def crawl(
    source: Source,
    spec: CrawlSpec,
    limits: LimitsSpec,
    known: Mapping[str, MediaFile],
    *,
    since_ns: int = 0,
) -> Crawled:
    """List the media files of ``source``, sorted by path: ``walk``, then ``read``."""
    return read(walk(source, spec), limits, known, since_ns=0 if spec.hash_all else since_ns)


def walk(source: Source, spec: CrawlSpec, without: Path | None = None) -> Walked:
    """List a root; the folder ``without``, and any that is a lake, is left out.

    SourceError when the root is missing, no folder, has no file, or cannot be listed throughout.
    """
    root = local_root(source)
    named = _named_manifest(root, spec)
    lister = _Walk(str(root), spec, None if without is None else str(without), named)
    with _whole(source):
        entries = sorted(lister.below(""), key=lambda entry: entry.path)
    if not entries:
        raise SourceError(f"{source.url}: no file there; is it mounted, is it the right folder?")
    return Walked(source, tuple(entries))


def read(
    walked: Walked, limits: LimitsSpec, known: Mapping[str, MediaFile], *, since_ns: int = 0
) -> Crawled:
    """Tell the type and the content of every entry.

    A file whose size and mtime are those in ``known`` keeps its content id unread, unless its
    mtime is younger than ``since_ns`` (the start of the crawl that made ``known``) less two
    seconds. SourceError when the root cannot be read throughout.
    """
    media = [entry for entry in walked.entries if not entry.manifest]
    with _whole(walked.source):
        looked = list(_looked(walked.source.alias, media, known, since_ns - RACY_NS, limits))
    files = tuple(one for one in looked if isinstance(one, MediaFile))
    rejections = tuple(one for one in looked if isinstance(one, Rejection))
    manifests = tuple(entry.path for entry in walked.entries if entry.manifest)
    return Crawled(files, rejections, manifests)


@contextmanager
def _whole(source: Source) -> Iterator[None]:
    """Make an OSError on the way a SourceError: half a root is no root."""
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"{source.url}: {error.strerror or error} ({error.filename or source.url});"
            " nothing was taken for deleted, run again when it can be read"
        ) from error


def _looked(
    alias: str,
    media: Sequence[Entry],
    known: Mapping[str, MediaFile],
    settled_ns: int,
    limits: LimitsSpec,
) -> Iterator[MediaFile | Rejection]:
    """What each entry is, in order; those that are new or have changed are read, by threads."""
    with ThreadPoolExecutor(_THREADS) as pool:
        pending: list[MediaFile | Future[MediaFile | Rejection]] = []
        for entry in media:
            settled = entry.mtime_ns < settled_ns and entry.size <= limits.max_bytes
            before = known.get(entry.path) if settled else None
            if before and (before.size, before.mtime_ns) == (entry.size, entry.mtime_ns):
                same_place = before.root == alias and before.language is None
                known_file = before if same_place else replace(before, root=alias, language=None)
                pending.append(known_file)
            else:
                pending.append(pool.submit(_look, alias, entry, limits))
        for one in pending:
            yield one if isinstance(one, MediaFile) else one.result()


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


class _Walk:
    """Lists the entries of a root that are neither junk nor left out."""

    def __init__(
        self, root: str, spec: CrawlSpec, without: str | None, manifest: Path | None
    ) -> None:
        self.root, self.without = root, without
        self.manifest = None if manifest is None else str(manifest)
        self.exclude, self.include = _any_of(spec.exclude), _any_of(spec.include)

    def below(self, folder: str) -> Iterator[Entry]:
        """Entries below a folder, as deep as it goes.

        Links to folders are not followed: what they show has a path of its own in the root, or
        lies outside of it. Links to files count when their target lies in the root.
        """
        with os.scandir(Path(self.root, folder)) as listing:
            entries = list(listing)
        if {entry.name for entry in entries} >= LAKE:
            return
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if _JUNK.match(entry.name) or self._left_out(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.path != self.without:
                    yield from self.below(path)
            elif self._taken(entry, path):
                with suppress(FileNotFoundError):  # gone since it was listed: it is not there
                    yield self._found(entry, path)

    def _found(self, entry: os.DirEntry[str], path: str) -> Entry:
        status = entry.stat()
        regular = stat.S_ISREG(status.st_mode)
        manifest = entry.name.lower() in NAMES or entry.path == self.manifest
        size, mtime_ns = status.st_size, status.st_mtime_ns
        return Entry(path, entry.path, regular, size, mtime_ns, manifest)

    def _left_out(self, path: str) -> bool:
        return self.exclude is not None and _matches(self.exclude, path)

    def _taken(self, entry: os.DirEntry[str], path: str) -> bool:
        wanted = (
            self.include is None or entry.name.lower() in NAMES or _matches(self.include, path)
        )
        return wanted and (not entry.is_symlink() or _stays_inside(self.root, entry.path))


def _stays_inside(root: str, link: str) -> bool:
    target = Path(os.path.realpath(link))
    return target.is_relative_to(root) and target.is_file()


def _any_of(globs: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for all globs, which fit a whole path (``*`` crosses folders); None for none."""
    plain = [translate(unicodedata.normalize("NFC", glob.rstrip("/"))) for glob in globs]
    return re.compile("|".join(plain)) if plain else None


def _matches(pattern: re.Pattern[str], path: str) -> bool:
    return pattern.match(unicodedata.normalize("NFC", path)) is not None


def _look(alias: str, entry: Entry, limits: LimitsSpec) -> MediaFile | Rejection:
    """A media file with its type and content id, or why it is none."""
    try:
        _check_regular(entry)
        check_bytes(entry.size, limits)
        return _read(alias, entry)
    except MediaError as error:
        return Rejection(
            alias, entry.path, None, error.stage, error.reason, error.message, SNIFFER
        )


def _check_regular(entry: Entry) -> None:
    if not entry.regular:
        raise MediaError("crawl", "not-a-file", "a pipe, a socket or a device")


def _read(alias: str, entry: Entry) -> MediaFile:
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
