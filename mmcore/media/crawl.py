"""Walk a root and hash what size and mtime say has changed."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Final

from mmcore.errors import MediaError, SourceError
from mmcore.media import remote
from mmcore.media.collector import uncollected
from mmcore.media.faults import FAULTS, STAGE
from mmcore.media.limits import check_bytes
from mmcore.media.listing import Entry, Rules
from mmcore.media.listing_local import LocalListing
from mmcore.media.listing_remote import remote_entries
from mmcore.media.opening import opened
from mmcore.media.pace import FREE, Pace
from mmcore.media.roots import location_of, named_manifest
from mmcore.media.sniff import HEAD, Kind, sniff
from mmcore.media.urls import is_remote, local_path
from mmcore.specs import CrawlSpec, LimitsSpec
from mmcore.types import MediaFile, Rejection, Source
from storage.schemas import MmindexError, content_hash

SNIFFER: Final = "sniff 2"
"""Decoder of the rejections made here; its number is raised when more types are known."""

_BLOCK: Final = 1 << 20
THREADS: Final = 4
"""That read a folder at once."""

_STAMPED: Final = 10_000  # entries that are hashed at once
_SHOWN: Final = 300  # characters of a path in a message
RACY_NS: Final = 2_000_000_000  # coarse file systems stamp changes within two seconds alike


@dataclass(frozen=True, slots=True)
class Crawled:
    """What lies under a root now, by path."""

    files: tuple[MediaFile, ...]
    rejections: tuple[Rejection, ...]
    manifests: tuple[str, ...]  # paths below the root; they are no texts
    share: float = 1.0  # as that of what was walked


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """All entries of a root, sorted by path."""

    source: Source
    entries: tuple[Entry, ...]
    mounts: tuple[str, ...] = ()  # mount points that the root lies on and holds; none in a store
    hidden: tuple[str, ...] = ()  # folders that could not be looked into
    share: float = 1.0  # of the root's files, by the hash of their names (``partly``)

    @property
    def newest_ns(self) -> int:
        """The youngest mtime of those that a change may leave as they are; 0 if there is none."""
        return max([entry.mtime_ns for entry in self.entries if not entry.sure], default=0)

    def stamp(self) -> str:
        """Hash of every path with its size, mtime and fault: equal ones tell of no change."""
        hasher = content_hash()
        for low in range(0, len(self.entries), _STAMPED):
            some = self.entries[low : low + _STAMPED]
            lines = [f"{path}\0{size}\0{mtime}\0{why}\0" for path, size, mtime, _, _, why in some]
            hasher.update("".join(lines).encode("utf-8", "surrogateescape"))
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

    What is no file of the root, or no folder that can be looked into, is an entry with its fault.
    SourceError when the root is missing, no folder, has no file, or a disk or a store fails.
    """
    rules = Rules(spec, named_manifest(source, spec))
    lake = None if without is None else str(without)
    mounts: list[str] = []
    hidden: list[str] = []
    with _whole(source), uncollected():
        if is_remote(source.url):
            found = list(remote_entries(source.url, rules, lake))
        else:
            listing = LocalListing(str(local_path(source.url)), rules, lake)
            found, mounts, hidden = listing.below(), listing.mounts, listing.hidden
    if all(entry.fault for entry in found):
        raise SourceError(f"{source.url}: no file there; is it mounted, is it the right folder?")
    found.sort(key=attrgetter("path"))
    return Walked(source, tuple(found), tuple(mounts), tuple(hidden))


def read(
    walked: Walked,
    limits: LimitsSpec,
    known: Mapping[str, MediaFile],
    *,
    since_ns: int = 0,
    sniffer: str = SNIFFER,
    pace: Pace = FREE,
) -> Crawled:
    """Tell the type and the content of every entry.

    A file whose size and mtime are those in ``known`` keeps its content id unread, unless its
    mtime is younger than ``since_ns`` (the start of the crawl that made ``known``) less two
    seconds; a store's checksum tells a young object too. Its type is told anew, by its first
    bytes, where another ``sniffer`` told the one that is known. SourceError when the root cannot
    be read throughout.
    """
    media = [entry for entry in walked.entries if not entry.manifest]
    before = _Before(known, since_ns, retell=sniffer != SNIFFER)
    looking = _Looking(walked.source.alias, location_of(walked.source, ""), limits, pace)
    with _whole(walked.source):
        looked = list(_looked(looking, media, before))
    files = tuple(one for one in looked if isinstance(one, MediaFile))
    rejections = tuple(one for one in looked if isinstance(one, Rejection))
    manifests = tuple(entry.path for entry in walked.entries if entry.manifest)
    return Crawled(files, rejections, manifests, walked.share)


@dataclass(frozen=True, slots=True)
class _Before:
    """What is known of a root's files."""

    known: Mapping[str, MediaFile]
    since_ns: int
    retell: bool  # whether another sniffer told their types

    def of(self, entry: Entry, limits: LimitsSpec) -> MediaFile | None:
        """What an entry was, if it is still that by all that a listing shows."""
        settled = entry.mtime_ns < self.since_ns - RACY_NS or (entry.sure and self.since_ns > 0)
        before = self.known.get(entry.path) if settled else None
        if before is None or entry.size > limits.max_bytes:
            return None
        same = before.size == entry.size and before.mtime_ns == entry.mtime_ns
        return before if same else None


@contextmanager
def _whole(source: Source) -> Iterator[None]:
    """Make an OSError on the way a SourceError: half a root is no root."""
    try:
        yield
    except MmindexError:
        raise
    except OSError as error:
        place = str(error.filename or source.url)
        if len(place) > _SHOWN:
            place = f"{place[:_SHOWN]}…"
        raise SourceError(
            f"{source.url}: {error.strerror or error} ({place}); nothing was taken for deleted,"
            " run again when it can be read"
        ) from error


@dataclass(frozen=True, slots=True)
class _Looking:
    """Where a root is read, and how."""

    alias: str
    base: str
    limits: LimitsSpec
    pace: Pace

    def look(self, entry: Entry) -> MediaFile | Rejection:
        """A media file with its type and content id, or why it is none."""
        try:
            check_bytes(entry.size, self.limits)
            return _read(self, entry)
        except MediaError as error:
            return _refused(self.alias, entry.path, error.stage, error.reason, error.message)

    def retold(self, entry: Entry, known: MediaFile) -> MediaFile | Rejection:
        """A known file with the type that its first bytes tell now; it is not read further."""
        try:
            with _readable(), closing(blocks(self.base, entry, self.pace)) as data:
                modality, media_type = _kind(next(data, b""))
        except MediaError as error:
            return _refused(self.alias, entry.path, error.stage, error.reason, error.message)
        return replace(known, root=self.alias, modality=modality, media_type=media_type)


def _looked(
    looking: _Looking, media: Sequence[Entry], before: _Before
) -> Iterator[MediaFile | Rejection]:
    """What each entry is, in order; those that are new or have changed are read, by threads."""
    alias = looking.alias
    threads = remote.THREADS if is_remote(looking.base) else THREADS
    with ThreadPoolExecutor(threads) as pool:
        pending: list[MediaFile | Rejection | Future[MediaFile | Rejection]] = []
        for entry in media:
            if entry.fault:
                refused = _refused(alias, entry.path, STAGE, entry.fault, FAULTS[entry.fault])
                pending.append(refused)
            elif (known := before.of(entry, looking.limits)) is None:
                pending.append(pool.submit(looking.look, entry))
            elif before.retell:
                pending.append(pool.submit(looking.retold, entry, known))
            else:
                pending.append(known if known.root == alias else replace(known, root=alias))
        try:
            for one in pending:
                yield one.result() if isinstance(one, Future) else one
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # after an error: do not read the rest


def _read(looking: _Looking, entry: Entry) -> MediaFile:
    """Sniff and hash one file; its stamps are those from before, so a change shows."""
    hasher, size = content_hash(), 0
    kind: Kind | None = None
    with _readable(), closing(blocks(looking.base, entry, looking.pace)) as data:
        for block in data:
            kind = kind or _kind(block)
            hasher.update(block)
            size += len(block)
            if size > entry.size:  # it may grow faster than it is read
                raise MediaError("read", "changed", "it grew while it was read")
    if kind is None:
        raise MediaError("sniff", "empty", "zero bytes")
    told = hasher.hexdigest()
    return MediaFile(looking.alias, entry.path, told, *kind, size, entry.mtime_ns)


def _refused(alias: str, path: str, stage: str, reason: str, message: str) -> Rejection:
    return Rejection(alias, path, None, stage, reason, message, SNIFFER)


@contextmanager
def _readable() -> Iterator[None]:
    """Make what says that one file cannot be read a MediaError."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MediaError(STAGE, "vanished", FAULTS["vanished"]) from error
    except PermissionError as error:
        raise MediaError(STAGE, "unreadable", FAULTS["unreadable"]) from error


def _kind(head: bytes) -> Kind:
    kind = sniff(head[:HEAD])
    if kind is None:
        raise MediaError("sniff", "unsupported-type", "not a known picture, text, sound or video")
    return kind


def blocks(base: str, entry: Entry, pace: Pace = FREE) -> Generator[bytes]:
    """The bytes of a file, none of them empty, the first ones apart; read as ``pace`` lets."""
    location = base + entry.path
    left = entry.size
    pace.wait(min(left, HEAD))
    with closing(_unpaced(base, location, left)) as data:
        for block in data:
            yield block
            left -= len(block)
            if left > 0:
                pace.wait(min(left, _BLOCK), files=0)


def _unpaced(base: str, location: str, size: int) -> Generator[bytes]:
    if is_remote(location):
        yield from remote.blocks(location, size)
        return
    with opened(base.rstrip("/"), location) as file:
        if head := file.read(HEAD):
            yield head
        while block := file.read(_BLOCK):
            yield block
