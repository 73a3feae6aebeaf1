"""Errors of the storage layer."""

from __future__ import annotations

from pathlib import Path

from storage.schemas import MmindexError


class NoLakeError(MmindexError, FileNotFoundError):
    """There is no lake, it has no published snapshot yet, or not the one asked for."""

    exit_code = 2

    def __init__(self, lake: Path, number: int | None = None) -> None:
        self.lake, self.number = lake, number
        if number is None:
            fact = f"no published snapshot: make one with `mmindex index MEDIA_DIR --lake {lake}`"
        else:
            fact = f"no snapshot {number}: `mmindex snapshots list --lake {lake}` names them"
        super().__init__(f"{lake} has {fact}")


class CorruptLakeError(MmindexError):
    """A file of the lake is not what its manifest says."""

    exit_code = 7

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(
            f"{path}: {why}; the lake is damaged: restore the file or index again into a new lake"
        )


class UnsoundSnapshotError(MmindexError):
    """Verifying a snapshot found something wrong with it."""

    exit_code = 7

    def __init__(self, lake: Path, number: int | None, findings: int) -> None:
        self.lake, self.number, self.findings = lake, number, findings
        super().__init__(
            f"{lake}: snapshot {number} is not sound ({findings} findings): restore its files,"
            f" or go back to a sound one with `mmindex snapshots rollback NUMBER --lake {lake}`"
        )


class LakeVersionError(MmindexError):
    """The lake was written under another version of the schemas."""

    exit_code = 7

    def __init__(self, path: Path, found: object, known: int) -> None:
        self.path, self.found, self.known = path, found, known
        super().__init__(
            f"{path}: schema version {found!r}, and this mmindex reads {known}:"
            " use the mmindex that wrote it, or index again into a new lake"
        )


class LakeLockedError(MmindexError):
    """Another run is writing to the lake."""

    exit_code = 6

    def __init__(self, lake: Path, holder: str) -> None:
        self.lake, self.holder = lake, holder
        super().__init__(
            f"{lake} is being written by {holder}: wait for it, or try again with --wait SECONDS"
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
