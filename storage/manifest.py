"""The manifest: every file of a snapshot and what it means, as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    field_validator,
)

from storage.errors import CorruptLakeError
from storage.json_files import read_object
from storage.migrations import lifted
from storage.places.place import is_local, opened
from storage.schemas import SCHEMA_VERSION, Modality
from storage.tables import part_rows


def _below_the_lake(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
        raise ValueError(f"{path!r} does not lie below the lake")
    return path


def _one_folder(name: str) -> str:
    if "/" in _below_the_lake(name) or name in ("", "."):
        raise ValueError(f"{name!r} is no name of a file")
    return name


Below = Annotated[str, AfterValidator(_below_the_lake)]
"""A path below the lake, with forward slashes."""

Name = Annotated[str, AfterValidator(_one_folder)]
"""What becomes part of a folder's name."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Frozen):
    """One file: ``path`` below the lake, with forward slashes; ``rows`` is 0 unless Parquet."""

    path: Below
    rows: NonNegativeInt
    bytes: NonNegativeInt
    sha256: str


class EncoderEntry(_Frozen):
    """An encoder whose cells the snapshot holds."""

    modality: Modality
    name: Name
    fingerprint: Name
    space: Below
    dim: PositiveInt


class ProjectionEntry(_Frozen):
    """The projection in use; ``encoders``: name → fingerprint of those it joins."""

    space: Below
    version: Name
    dim: PositiveInt
    encoders: dict[str, str]
    states: dict[str, str] = {}  # by encoder: fitted on pairs, or by what was there before


class FusionEntry(_Frozen):
    """How the fused vectors were made."""

    name: str
    fingerprint: Name
    space: Below  # of the fused vectors: ``Manifest.fused_of``, unless they have one of their own
    dim: PositiveInt
    version: Name | None = None  # of the model that fused; None where nothing was learned
    weights: dict[str, float] = {}  # of the weighted fusion, by modality


class IndexEntry(_Frozen):
    """One index; ``path`` is its folder below the lake, ``modality`` is "fused" for items."""

    name: str
    path: Below
    space: str
    modality: str
    rows: NonNegativeInt
    dim: PositiveInt


class Partial(_Frozen):
    """Of what the sources hold, a part: an even sample, by the hash of names.

    ``projection``: its version, if this part fitted it; the next snapshot fits another.
    """

    share: Annotated[float, Field(gt=0, lt=1)]
    files: NonNegativeInt  # that were looked at
    of: NonNegativeInt  # that were listed
    projection: str | None = None


Status = Literal["pass", "warn", "block", "failed", "unmeasured"]
"""What the gate says; ``failed``: it could not run, so nothing is published."""


class Override(_Frozen):
    """Who let a blocked snapshot serve all the same, and why."""

    name: str
    reason: str
    when: datetime
    accepted: list[str] = []  # what had blocked it, as ``gating.accepted`` names findings


class Evaluation(_Frozen):
    """What the snapshot scored: direction → measure → mean; and what the gate made of that."""

    status: Literal["measured", "unmeasured"]
    reason: str = ""
    queries: int = 0
    scores: dict[str, dict[str, float]] = {}
    report: int | None = None  # the snapshot whose report it is; None: this one's own
    verdict: Status | None = None  # None: from before there was a gate
    baseline: int | None = None  # the snapshot that it was compared with
    config: str = ""  # fingerprint of the measures; another one is not comparable
    sets: dict[str, str] = {}  # query set → fingerprint
    rules: list[str] = []  # of the gate, as told
    override: Override | None = None


class Manifest(_Frozen):
    """A snapshot; a candidate has no ``number``, or the one it is to be published under."""

    number: int | None = None
    parent: int | None = None
    run: Literal[""] | Name  # its candidate's folder
    created_at: datetime
    schema_version: int = SCHEMA_VERSION
    preset: str
    sources: dict[str, str] = {}  # root alias → URL
    mounts: dict[str, list[str]] = {}  # root alias → mount points that it lay on, or held
    files: list[FileEntry] = []
    encoders: list[EncoderEntry] = []
    projection: ProjectionEntry | None = None
    fusion: FusionEntry | None = None
    indexes: list[IndexEntry] = []
    evaluation: Evaluation | None = None
    partial: Partial | None = None  # of a first run that is under way; None: all that was there
    seen: str = ""  # hash of the roots' stamps and all settings; "": look at every file again
    inputs: str = ""  # hash of what decided this snapshot: equal inputs, nothing to do
    dtype: Literal["float32", "float16"] = "float32"  # of all vectors but those in indexes
    private: bool = False  # paths are hashed; no thumbnails, texts or pictures are kept
    reissued_at: datetime | None = None  # when an erasure wrote this snapshot anew
    tombstones: str = ""  # hash of those that the crawl heeded, or that the erasure set
    specs: dict[str, dict[str, Any]] = {}  # segmentation, fit, evaluation: as the run was told
    rates: dict[str, float] = {}  # seconds a segment took in the model, by encoder
    counts: dict[str, int] = {}
    software: dict[str, str] = {}

    @field_validator("files")
    @classmethod
    def _each_once(cls, files: list[FileEntry]) -> list[FileEntry]:
        names = [f.path for f in files]
        if len(names) != len(set(names)):
            raise ValueError("a file is named twice")
        return files

    def paths(self, prefix: str) -> list[str]:
        """The files below the folder ``prefix`` (``segments/image/``), sorted."""
        below = prefix.rstrip("/") + "/"
        return sorted(f.path for f in self.files if f.path.startswith(below))

    def encoder(self, modality: Modality, space: str | None = None) -> EncoderEntry | None:
        """The main encoder of a modality, the first one named; or the one of ``space``.

        Texts have an encoder for each space that they are asked in (docs/decisions/0018).
        """
        mine = (e for e in self.encoders if e.modality == modality)
        return next((e for e in mine if space in (None, self.searched(e))), None)

    def searched(self, encoder: EncoderEntry) -> str:
        """The space in which an encoder's vectors are searched: the projection's, or its own."""
        joined = self.projection is not None and self.joins(encoder)
        return self.projection.space if self.projection and joined else encoder.space

    def spaces(self, modality: Modality) -> tuple[str, ...]:
        """The spaces in which a modality is searched, the main one first."""
        mine = (self.searched(e) for e in self.encoders if e.modality == modality)
        return tuple(dict.fromkeys(mine))

    @property
    def shared(self) -> EncoderEntry | None:
        """The encoder in whose searched space items are fused: of texts, else the first one."""
        found = self.encoder(Modality.TEXT)
        return found or next(iter(self.encoders), None)

    @property
    def fused_of(self) -> str:
        """The space of the vectors that items are fused of; "" without an encoder."""
        return "" if self.shared is None else self.searched(self.shared)

    def dim_of(self, encoder: EncoderEntry) -> int:
        """How many numbers its vectors have in the space in which they are searched."""
        joined = self.projection is not None and self.joins(encoder)
        return self.projection.dim if self.projection and joined else encoder.dim

    def joins(self, encoder: EncoderEntry) -> bool:
        """Whether the projection takes the vectors of exactly this encoder into its space."""
        joined = {} if self.projection is None else self.projection.encoders
        return joined.get(encoder.name) == encoder.fingerprint

    def to_json(self) -> bytes:
        """Indented JSON in UTF-8."""
        return self.model_dump_json(indent=2).encode()


def read_manifest(path: Path) -> Manifest:
    """Read and check a ``manifest.json``.

    One of an older schema is lifted to today's. Raises CorruptLakeError, or LakeVersionError for a
    schema that this mmindex does not know.
    """
    told = read_object(path)
    if told is None:
        raise CorruptLakeError(path, "is missing")
    try:
        return Manifest.model_validate(lifted(told, path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorruptLakeError(path, f"{where}: {first['msg']}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptLakeError(path, f"is not a manifest ({error})") from error


def entry(root: Path, path: Path, known: Mapping[str, FileEntry]) -> FileEntry:
    """The entry of a file below the lake ``root``; one in ``known`` of the same size is kept.

    In a store, where each size costs a request, one in ``known`` is kept without asking: whoever
    opens the snapshot compares all sizes with a listing.
    """
    name = path.relative_to(root).as_posix()
    before = known.get(name)
    if before is not None and not is_local(root):
        return before
    size = path.stat().st_size
    if before is not None and before.bytes == size:
        return before
    rows = part_rows(path) if path.suffix == ".parquet" else 0
    return FileEntry(path=name, rows=rows, bytes=size, sha256=sha256(path))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as hex digits."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
