"""Errors of the computing layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from storage.schemas import MissingExtraError as MissingExtraError  # noqa: PLC0414 - for others
from storage.schemas import MmindexError

MESSAGE: Final = 300
"""Characters of what is said of a file."""


class ConfigError(MmindexError, ValueError):
    """A setting that cannot be; raised before any work."""

    exit_code = 2


class UnknownPluginError(MmindexError, LookupError):
    """No plug-in of that name; lists the known ones."""

    exit_code = 2

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        super().__init__(f"no {kind} named {name!r}; known: {', '.join(self.known) or 'none'}")


class UnsafeWeightsError(MmindexError):
    """Weights that are not what the preset pins, or that would need an unsafe pickle."""

    exit_code = 2

    def __init__(self, path: object, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: not loaded, {why}")


class MissingWeightsError(ConfigError):
    """The weights of a preset are not on this machine."""

    def __init__(self, preset: str, path: object, how: str = "") -> None:
        self.preset, self.path = preset, path
        usual = (
            f"`mmindex encoders fetch {preset}` brings them (--to DIR says where, and --weights"
            " DIR uses them there)"
        )
        super().__init__(f"the weights of preset {preset!r} are not in {path}: {how or usual}")


class MediaError(MmindexError):
    """One file or segment that cannot be used; caught per file, becomes a quarantine row.

    ``reason`` is a short stable code (``too-many-pixels`` …), ``message`` is for people.
    """

    def __init__(self, stage: str, reason: str, message: str) -> None:
        self.stage, self.reason, self.message = stage, reason, _bounded(message)
        super().__init__(f"{stage}: {reason}: {self.message}")


def _bounded(message: str) -> str:
    """One line of at most 300 characters: a decoder may quote the file."""
    line = " ".join(message[: 4 * MESSAGE].split())
    return line if len(line) <= MESSAGE else f"{line[: MESSAGE - 1]}…"


class SourceError(MmindexError):
    """A root that is missing, empty or lists with errors: a failure, never a deletion."""

    exit_code = 5


class UnreachableError(SourceError, ConnectionError):
    """A store that did not answer as it should; the one error of ours that may pass by itself."""


class TrainingError(MmindexError):
    """A training that came to nothing (a loss that is no number, no memory); nothing is kept."""


class NothingToLearnError(ConfigError):
    """A lake or folder that cannot teach what was asked: said before any work."""


class TooFewPairsError(NothingToLearnError):
    """A lake without pairs enough: nothing is wrong with it, and more files may change it.

    ``pairs``: how many there are, by encoder; ``needed`` of one medium, and no two alike.
    """

    def __init__(self, why: str, pairs: Mapping[str, int], needed: int) -> None:
        self.pairs, self.needed = dict(pairs), needed
        super().__init__(why)


class TooManyBadFilesError(MmindexError):
    """More files failed than the run accepts; nothing is published.

    ``example`` says which: the reasons, each with a count and a file.
    """

    exit_code = 4

    def __init__(self, bad: int, total: int, limit: float, example: str) -> None:
        self.bad, self.total, self.limit, self.example = bad, total, limit, example
        super().__init__(
            f"{bad} of {total} files could not be used, more than the accepted {limit:.0%}:"
            f" {example}. Nothing was published; `mmindex quarantine --stopped` lists them: mend"
            " them, or raise --max-bad-fraction"
        )


class DecodingError(MmindexError):
    """The processes that decode cannot be started; no file is to blame."""


class ConditionError(MmindexError):
    """The process of conditions crashed at one; neither time nor memory is to blame."""

    def __init__(self, how: str) -> None:
        self.how = how
        super().__init__(
            f"where: the process of conditions ended ({how}): say the condition in another way,"
            " and tell the maintainers of it"
        )


class EmbeddingError(MmindexError):
    """The process of a device died of a shard, and so did the one that replaced it."""

    def __init__(self, device: str, encoder: str, how: str, words: str) -> None:
        self.device, self.encoder, self.how, self.words = device, encoder, how, words
        last = " ".join(words.split())[-MESSAGE:]
        super().__init__(
            f"{device}: its process died twice ({how}) while encoder {encoder!r} embedded a shard:"
            f" {last or 'it said nothing'}; nothing is lost, run it again, with another"
            " --device or a smaller --batch-size if it stays"
        )


class ClusterError(MmindexError):
    """A cluster, or a process of a pool, that cannot do a run's work; ``who`` of it, and why.

    What is finished by then stays, and the next run goes on with it.
    """

    def __init__(self, who: str, why: str) -> None:
        self.who, self.why = who, why
        super().__init__(f"{who} {why}")


class DeviceMemoryError(MmindexError):
    """A device has no memory for a single input of a model."""

    def __init__(self, model: str, device: str) -> None:
        self.model, self.device = model, device
        super().__init__(
            f"{model}: {device} has no memory for one input: end what else uses it, raise"
            " runtime.device_bytes if it is set, or take another --device or a smaller model"
        )


class SpaceMismatchError(MmindexError, ValueError):
    """A query of one space was put to an index of another."""

    exit_code = 2

    def __init__(self, query: str, index: str, hint: str = "") -> None:
        self.query, self.index, self.hint = query, index, hint
        super().__init__(
            f"a query in space {query!r} cannot search {index!r}{': ' + hint if hint else ''}"
        )


class EvaluationError(MmindexError):
    """The candidate could not be scored; it is not published."""

    exit_code = 3


class PublicationBlockedError(MmindexError):
    """The gate found a candidate worse than what serves, or unsound: it is kept, not published.

    ``published``: what was refused is no candidate, but snapshot ``number``, which was rolled back
    from, made once more.
    """

    exit_code = 3

    def __init__(
        self, run: str, number: int | None, why: str, report: str, *, published: bool = False
    ) -> None:
        self.run, self.number, self.why, self.report = run, number, why, report
        self.published = published
        super().__init__(f"not published: {why}; {self._way_out()}")

    def _way_out(self) -> str:
        if self.published:
            again = f"`mmindex snapshots rollback {self.number}` lets it serve again"
            return f"the report of that is {self.report} ({again})"
        anyway = f"mmindex snapshots publish {self.run} --name WHO --reason TEXT"
        return (
            f"the candidate of run {self.run} is kept, its report is {self.report} (`{anyway}`"
            " publishes it all the same)"
        )


class GateFailedError(MmindexError):
    """A candidate could not be scored or judged, so it is not published."""

    exit_code = 3


class StaleSnapshotError(MmindexError):
    """The newest look at the sources is older than it should be."""

    exit_code = 10


class DiskSpaceError(MmindexError):
    """The disk cannot hold what the run would write; raised before any work."""

    exit_code = 11

    def __init__(self, folder: str, needed: int, free: int) -> None:
        self.folder, self.needed, self.free = folder, needed, free
        super().__init__(
            f"{folder} has {free / 1e6:,.0f} MB free, the run needs about {needed / 1e6:,.0f} MB:"
            " make room, or name a lake on another disk"
        )


class DiskFilesError(DiskSpaceError):
    """The disk cannot hold so many files more, however small they are."""

    def __init__(self, folder: str, needed: int, free: int) -> None:
        self.folder, self.needed, self.free = folder, needed, free
        MmindexError.__init__(
            self,
            f"{folder} can have {free:,} files more (inodes), the run needs about {needed:,}:"
            " remove small files there, or name a lake on another disk",
        )


class UntoldError(MmindexError):
    """An error of a run on a private lake: what it says is for the person who started the run.

    ``told`` has the message; the text of the error itself, which reaches logs and states of runs,
    only names the kind. ``transient``: whether another try may help.
    """

    def __init__(
        self, kind: str, told: str, *, exit_code: int = 1, transient: bool = False
    ) -> None:
        self.kind, self.told, self.exit_code, self.transient = kind, told, exit_code, transient
        super().__init__(
            f"{kind}, on a private lake: what it says may name a file, so it is not told here;"
            " run `mmindex index` by hand to read it"
        )
