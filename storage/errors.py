"""Errors of the storage layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from storage.schemas import MmindexError


class NoLakeError(MmindexError, FileNotFoundError):
    """There is no lake, it has no published snapshot yet, or not the one asked for."""

    exit_code = 2

    def __init__(self, lake: Path, number: int | None = None) -> None:
        self.lake, self.number = lake, number
        if number is None:
            fact = (
                f"no published snapshot: make one with `mmindex index MEDIA_DIR --lake {lake}`,"
                " or name another lake by --lake or MMINDEX_LAKE"
            )
        else:
            fact = f"no snapshot {number}: `mmindex snapshots list --lake {lake}` names them"
        super().__init__(f"{lake} has {fact}")


FOLDER = "is a folder, not a file: move it away"


class CorruptLakeError(MmindexError):
    """A file of the lake is not what its manifest says."""

    exit_code = 7

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: {why}; the lake is damaged: {_way_out(path)}")


class SnapshotReissuedError(MmindexError):
    """A snapshot that is open was written anew by an erasure, or removed; its files are gone."""

    exit_code = 6

    def __init__(self, lake: Path, number: int | None) -> None:
        self.lake, self.number = lake, number
        super().__init__(
            f"{lake}: snapshot {number} is not as it was when it was opened: an erasure wrote it"
            " anew, or it was removed. Open it again"
        )


class KeyLostError(CorruptLakeError):
    """The lake's key is gone, or is another one: what was hashed under it says nothing any more.

    Never made anew: what was forgotten would come back.
    """

    def __init__(self, path: Path, why: str = "is missing") -> None:
        self.path, self.why = path, why
        MmindexError.__init__(
            self,
            f"{path}: {why}, and without it nobody can tell what was forgotten, or what a private"
            " lake's names are: restore it from a copy; nothing was changed",
        )


_MODELS: Final = (("models", "projection"), ("models", "fusion"))


def _way_out(path: Path) -> str:
    """What helps: a pointer has to be moved, a model replaced, the rest can be made again."""
    move = (
        "`mmindex snapshots list` names the snapshots, and `mmindex snapshots rollback NUMBER`"
        " lets a sound one serve"
    )
    anew = "if no snapshot is sound, `mmindex index` begins anew from the vectors that are there"
    if path.name == "CURRENT":
        return f"{move}; {anew}"
    if path.name == "manifest.json":
        return (
            f"{move}; one that is not needed any more goes with its folder {path.parent}; {anew}"
        )
    if (at := _query_set(path)) is not None:
        return f"`mmindex queries remove {at}` takes the set away, to be imported again"
    if path.parts[-4:-2] in _MODELS or path.parts[-3:-1] in _MODELS:
        return (
            "what was learned is not made again as it was: `mmindex models promote` lets another"
            " version serve (`mmindex models list` names them), and `mmindex train` makes a new"
            " one; if this one serves, `mmindex index` sets it aside first"
        )
    return (
        "`mmindex index` makes it again from the media, `mmindex snapshots verify` lists all that"
        " is damaged, and `mmindex snapshots rollback NUMBER` lets an older snapshot serve"
    )


def _query_set(path: Path) -> str | None:
    """The name of the query set that a path of a lake lies in."""
    triples = zip(path.parts, path.parts[1:], path.parts[2:], strict=False)
    return next((name for *area, name in triples if area == ["queries", "sets"]), None)


class QuerySetError(MmindexError, ValueError):
    """A query set that cannot be written, or is not there."""

    exit_code = 2

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"query set {name!r} {why}")


class IdCollisionError(MmindexError):
    """Two segments have the same 63-bit id; with 10^9 of them that has odds of one in twenty."""

    def __init__(self, segment: int, one: str, other: str) -> None:
        self.segment, self.one, self.other = segment, one, other
        super().__init__(
            f"segments of the contents {one} and {other} have the same id {segment}: leave one of"
            " their files out with --exclude; nothing was published"
        )


class UnsoundSnapshotError(MmindexError):
    """Verifying a snapshot found something wrong with it."""

    exit_code = 7

    def __init__(self, lake: Path, number: int | None, findings: int) -> None:
        self.lake, self.number, self.findings = lake, number, findings
        super().__init__(
            f"{lake}: snapshot {number} is not sound (findings: {findings}): `mmindex snapshots"
            " verify --set-aside` and then `mmindex index` make the damaged files again, `mmindex"
            f" snapshots rollback NUMBER --lake {lake}` goes back to a sound snapshot"
        )


class LakeVersionError(MmindexError):
    """A file of the lake has a schema that this mmindex does not know."""

    exit_code = 7

    def __init__(self, path: Path, found: object, oldest: int, newest: int) -> None:
        self.path, self.found, self.oldest, self.newest = path, found, oldest, newest
        self.why = f"has schema version {found!r}, and this mmindex reads {oldest} to {newest}"
        way_out = (
            "update mmindex (`pip install --upgrade mmindex`)"
            if type(found) is int and found > newest
            else "use the mmindex that wrote it, or index again into a new lake"
        )
        super().__init__(f"{path}: {self.why}: {way_out}; nothing was changed")


class LakeLockedError(MmindexError):
    """Another run is writing to the lake."""

    exit_code = 6

    def __init__(self, lake: Path, holder: str) -> None:
        self.lake, self.holder = lake, holder
        super().__init__(
            f"{lake} is being written by {holder}: try again later, or let the run wait for it:"
            " `wait` among a deployment's parameters, `--wait SECONDS` of a command"
        )


class CandidateOutdatedError(MmindexError):
    """Another run published since the candidate was begun."""

    exit_code = 6

    def __init__(self, lake: Path, parent: int | None, current: int | None) -> None:
        self.lake, self.parent, self.current = lake, parent, current
        super().__init__(
            f"{lake}: the candidate was made from snapshot {parent}, but {current} is published:"
            " run again, finished work is kept"
        )


class SnapshotExistsError(MmindexError, FileExistsError):
    """Another snapshot has the number that a candidate was to get."""

    exit_code = 6

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} is another run's: run again, finished work is kept")


class ModelExistsError(MmindexError, FileExistsError):
    """A version of a model is never written twice."""

    exit_code = 2

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} exists: a model's version is final, store under the next one")


class UnknownModelError(MmindexError, LookupError):
    """There is no such model, or no such version of it; lists those that there are."""

    exit_code = 2

    def __init__(self, lake: Path, name: str, known: Sequence[str]) -> None:
        self.lake, self.name, self.known = lake, name, tuple(known)
        there = ", ".join(self.known) or "none, `mmindex train` makes some"
        super().__init__(f"{lake} has no model {name!r}; there are: {there}")


class PlaceError(MmindexError, OSError):
    """A URL of a lake or of media, or a setting of the cache, that cannot be used."""

    exit_code = 2

    def __init__(self, place: object, why: str) -> None:
        self.place, self.why = str(place), why
        super().__init__(f"{place}: {why}")


class NothingToForgetError(MmindexError, LookupError):
    """No kept snapshot has what is to be erased; says what was looked for, and where."""

    exit_code = 2

    def __init__(self, lake: Path, names: Sequence[str], hint: str) -> None:
        self.lake, self.names = lake, tuple(names)
        super().__init__(f"{lake}: nothing there is called {', '.join(map(repr, names))}: {hint}")


class UnerasableError(MmindexError):
    """A kept snapshot cannot be rewritten without what is to be erased."""

    exit_code = 7

    def __init__(self, lake: Path, number: int, why: str) -> None:
        self.lake, self.number, self.why = lake, number, why
        super().__init__(
            f"{lake}: snapshot {number} cannot be rewritten, so the erasure is not done: {why}."
            " Restore the file, or, where a newer snapshot serves, let `mmindex maintain --keep N`"
            " remove this one, then forget again"
        )


class ErasureError(MmindexError):
    """The proof found something of what was erased."""

    exit_code = 8

    def __init__(self, lake: Path, left: Mapping[str, Sequence[str]]) -> None:
        self.lake, self.left = lake, {name: tuple(kinds) for name, kinds in left.items()}
        told = "; ".join(f"{name} ({', '.join(kinds)})" for name, kinds in self.left.items())
        super().__init__(
            f"{lake}: erased, but something of it is, or may be, still in {told}."
            " Remove by hand what mmindex did not write; `mmindex maintain --grace-days 0` removes"
            " what no kept snapshot names. `mmindex forget`, with nothing named, looks again"
        )


class UnsoundVectorError(MmindexError):
    """A vector that was to go into an index is not finite, or not of length 1."""

    exit_code = 7

    def __init__(self, row: int, length: float) -> None:
        self.row, self.length = row, length
        super().__init__(
            f"row {row} has a vector of length {length:.4g}, not 1, and cannot be searched:"
            " `mmindex snapshots verify` says which file it is in; nothing was published"
        )


class NothingFitsError(MmindexError):
    """No kind of index meets the goal; ``tried`` has what was measured (points of a card)."""

    exit_code = 9

    def __init__(
        self, goal: str, table: str, relax: str, tried: Sequence[object], name: str = ""
    ) -> None:
        self.goal, self.table, self.relax, self.tried = goal, table, relax, tuple(tried)
        self.name = name
        over = f" over {name}" if name else ""
        super().__init__(f"no index{over} reaches {goal}: {relax}; nothing was published\n{table}")

    def over(self, name: str) -> NothingFitsError:
        """The same, of the index ``name``: each has budgets, and a need, of its own."""
        return NothingFitsError(self.goal, self.table, self.relax, self.tried, name)
