"""Files of a snapshot, opened where they lie now: below their root, and as they were indexed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from mmcore.errors import MediaError
from mmcore.media.crawl import walk
from mmcore.media.opening import opened
from mmcore.media.sniff import HEAD, Kind, sniff
from mmcore.media.urls import local_folder
from mmcore.privacy import Veil
from mmcore.search.http.problems import ProblemError, missing
from mmcore.search.http.shelf import Shelved
from mmcore.search.opened.aliases import aliases_of
from mmcore.search.opened.once import Once
from mmcore.search.recent import Recent
from mmcore.specs import CrawlSpec
from mmcore.types import Source
from storage import keys
from storage.schemas import content_hash
from storage.snapshot import Snapshot

_BLOCK: Final = 1 << 20
_MOST_KNOWN: Final = 100_000  # files whose content was told by reading them

_ALL: Final = CrawlSpec()  # a lake keeps no globs of its own, and they only leave files out

_Stamp = tuple[int, int, int, int]  # device, number, size, time of change


@dataclass(slots=True, eq=False)
class MediaStream:
    """An open file of the snapshot, checked; whoever has it closes it."""

    file: BinaryIO
    size: int
    content_id: str
    kind: Kind | None  # told by its first bytes, as they are now
    name: str

    def head(self) -> bytes:
        """Its first bytes."""
        return os.pread(self.file.fileno(), HEAD, 0)


@dataclass(slots=True)
class Roots:
    """Where the roots of a snapshot lie; ``told`` (alias → folder) counts more than its manifest.

    In a private lake only those that are told can be found, by whoever has its key: names are
    hashed and compared, and no real name is ever shown.
    """

    snapshot: Snapshot
    told: Mapping[str, str] = field(default_factory=dict)
    _known: Recent[_Stamp, str] = field(default_factory=lambda: Recent(_MOST_KNOWN))
    _names: Once = field(default_factory=Once)
    _had: dict[str, bool] = field(default_factory=dict)

    def has(self, alias: str) -> bool:
        """Whether files of that root can be served from here; waits for nobody."""
        if (had := self._had.get(alias)) is None:
            try:
                had = self._folder(alias) is not None
            except ProblemError:  # a private lake without its key
                had = False
            self._had[alias] = had
        return had

    def known(self) -> list[str]:
        """The aliases of the lake's roots, sorted."""
        return sorted(aliases_of(self.snapshot))

    def unknown(self) -> list[str]:
        """The aliases of ``told`` that the lake has no root of, sorted."""
        known = self.known()
        others = sorted(alias for alias in self.told if alias not in known)
        if not others or not self.snapshot.manifest.private:
            return others
        try:
            hidden = self._veil().alias
        except ProblemError:  # without the key nobody can tell
            return []
        return [alias for alias in others if hidden(alias) not in known]

    def open(self, file: Shelved) -> MediaStream:
        """Open a file of the snapshot.

        A problem 404 says that it cannot be served, 410 that it is another one by now.
        """
        folder = self._folder(file.root)
        path = None if folder is None else self._path(folder, file)
        if folder is None or path is None:
            raise missing(
                "the file's root is not on this server: --root ALIAS=FOLDER says where it lies",
                "此服务器上没有该文件的根目录：用 --root 别名=文件夹 指定",
            )
        stream = self._opened(folder, path)
        try:
            self._check(stream, file)
            size = os.fstat(stream.fileno()).st_size
            kind = sniff(os.pread(stream.fileno(), HEAD, 0))
        except BaseException:
            stream.close()
            raise
        return MediaStream(stream, size, file.content_id, kind, Path(file.path).name)

    def location(self, file: Shelved) -> str:
        """The real path of a file that ``open`` opens: for a decoder."""
        self.open(file).file.close()
        return os.path.realpath(f"{self._folder(file.root)}/{self._path_of(file)}")

    def _path_of(self, file: Shelved) -> str | None:
        folder = self._folder(file.root)
        return None if folder is None else self._path(folder, file)

    def _folder(self, alias: str) -> str | None:
        """The real path of a root's folder; None where it is not known, or lies in a store."""
        url = self.told.get(alias)
        if self.snapshot.manifest.private:
            hidden = self._veil().alias
            url = url or next((u for a, u in self.told.items() if hidden(a) == alias), None)
        else:
            url = url or self.snapshot.manifest.sources.get(alias)
        folder = local_folder(url)
        return None if folder is None else str(folder)

    def _veil(self) -> Veil:
        key = keys.read_key(self.snapshot.layout)
        if key is None:
            raise missing("the lake's key is not on this server", "此服务器上没有该数据湖的密钥")
        return Veil(partial(keys.keyed, key))

    def _path(self, folder: str, file: Shelved) -> str | None:
        """The file's path below its root; None where it cannot be told."""
        if not self.snapshot.manifest.private:
            return file.real_path
        names = self._names.of(file.root, lambda: self._walked(file.root, folder))
        return names.get(file.path)

    def _walked(self, root: str, folder: str) -> dict[str, str]:
        """Hashed path → real one of all files below a root, whatever the lake leaves out."""
        veil = self._veil()
        entries = walk(Source(root, folder), _ALL, self.snapshot.layout.root).entries
        return {veil.path(root, entry.path): entry.path for entry in entries}

    def _opened(self, folder: str, path: str) -> BinaryIO:
        location = f"{folder}/{path}"
        if "\0" in path or not _is_below(folder, location):
            raise missing("the file does not lie below its root", "文件不在其根目录之下")
        try:
            stream = opened(folder, location)
        except (MediaError, FileNotFoundError, NotADirectoryError) as error:
            raise changed() from error
        except OSError as error:
            raise missing("the file cannot be read here", "此处无法读取该文件") from error
        here, there = os.fstat(stream.fileno()), os.path.realpath(location)
        if not (_is_below(folder, location) and _is_same(here, there)):  # swapped meanwhile
            stream.close()
            raise changed()
        return stream

    def _check(self, stream: BinaryIO, file: Shelved) -> None:
        """Raise the problem 410 unless it has the size, and the time or the bytes, it had."""
        status = os.fstat(stream.fileno())
        if status.st_size != file.size:
            raise changed()
        if status.st_mtime_ns == file.mtime_ns:
            return
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if self._known.of(stamp, lambda _: _content_id(stream)) != file.content_id:
            raise changed()


def changed() -> ProblemError:
    """A file that is not the one that was indexed."""
    return ProblemError(
        "changed",
        "the file has changed or gone since it was indexed: `mmindex index` takes it as it is now",
        "文件在索引之后被修改或删除：重新运行 mmindex index",
    )


def _is_below(folder: str, location: str) -> bool:
    return Path(os.path.realpath(location)).is_relative_to(os.path.realpath(folder))


def _is_same(here: os.stat_result, there: str) -> bool:
    try:
        status = os.stat(there)  # noqa: PTH116 - of a path that is a text
    except OSError:
        return False
    return (here.st_dev, here.st_ino) == (status.st_dev, status.st_ino)


def _content_id(stream: BinaryIO) -> str:
    hasher, at = content_hash(), 0
    while block := os.pread(stream.fileno(), _BLOCK, at):
        hasher.update(block)
        at += len(block)
    return hasher.hexdigest()
