"""The manifest: every file of a snapshot and what it means, as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError, field_validator

from storage.errors import CorruptLakeError, LakeVersionError
from storage.schemas import SCHEMA_VERSION, Modality
from storage.tables import part_rows


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Frozen):
    """One file: ``path`` below the lake, with forward slashes; ``rows`` is 0 unless Parquet."""

    path: str
    rows: NonNegativeInt
    bytes: NonNegativeInt
    sha256: str

    @field_validator("path")
    @classmethod
    def _below_the_lake(cls, path: str) -> str:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path:
            raise ValueError(f"{path!r} does not lie below the lake")
        return path


class EncoderEntry(_Frozen):
    """An encoder whose cells the snapshot holds."""

    modality: Modality
    name: str
    fingerprint: str
    space: str
    dim: int


class ProjectionEntry(_Frozen):
    """The projection in use; ``encoders``: name → fingerprint of those it joins."""

    space: str
    version: str
    dim: int
    encoders: dict[str, str]
    states: dict[str, str] = {}  # by encoder: fitted on pairs, or by what was there before


class FusionEntry(_Frozen):
    """How the fused vectors were made."""

    name: str
    fingerprint: str
    space: str
    dim: int


class IndexEntry(_Frozen):
    """One index; ``path`` is its folder below the lake, ``modality`` is "fused" for items."""

    name: str
    path: str
    space: str
    modality: str
    rows: int
    dim: int


class Evaluation(_Frozen):
    """What the snapshot scored: direction → measure → mean."""

    status: Literal["measured", "unmeasured"]
    reason: str = ""
    queries: int = 0
    scores: dict[str, dict[str, float]] = {}


class Manifest(_Frozen):
    """A snapshot; a candidate has no ``number``, or the one it is to be published under."""

    number: int | None = None
    parent: int | None = None
    run: str
    created_at: datetime
    schema_version: int = SCHEMA_VERSION
    preset: str
    sources: dict[str, str] = {}  # root alias → URL
    files: list[FileEntry] = []
    encoders: list[EncoderEntry] = []
    projection: ProjectionEntry | None = None
    fusion: FusionEntry | None = None
    indexes: list[IndexEntry] = []
    evaluation: Evaluation | None = None
    seen: str = ""  # hash of the roots' stamps and all settings; "": look at every file again
    inputs: str = ""  # hash of what decided this snapshot: equal inputs, nothing to do
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

    def encoder(self, modality: Modality) -> EncoderEntry | None:
        """The encoder of a modality, the first one named."""
        return next((e for e in self.encoders if e.modality == modality), None)

    def joins(self, encoder: EncoderEntry) -> bool:
        """Whether the projection takes the vectors of exactly this encoder into its space."""
        joined = {} if self.projection is None else self.projection.encoders
        return joined.get(encoder.name) == encoder.fingerprint

    def to_json(self) -> bytes:
        """Indented JSON in UTF-8."""
        return self.model_dump_json(indent=2).encode()


def read_manifest(path: Path) -> Manifest:
    """Read and check a ``manifest.json``.

    Raises CorruptLakeError, or LakeVersionError where another mmindex wrote it.
    """
    try:
        stored = json.loads(path.read_bytes())
        version = stored["schema_version"]
        if version != SCHEMA_VERSION:
            raise LakeVersionError(path, version, SCHEMA_VERSION)
        return Manifest.model_validate(_with_fingerprints(stored))
    except FileNotFoundError as error:
        raise CorruptLakeError(path, "is missing") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorruptLakeError(path, f"{where}: {first['msg']}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptLakeError(path, f"is not a manifest ({error})") from error


def _with_fingerprints(stored: dict[str, Any]) -> dict[str, Any]:
    """Older manifests only name the encoders that a projection joins: they are its own."""
    projection = stored.get("projection")
    if not projection or not isinstance(projection["encoders"], list):
        return stored
    own = {e["name"]: e["fingerprint"] for e in stored["encoders"]}
    joined = {name: own[name] for name in projection["encoders"] if name in own}
    return stored | {"projection": projection | {"encoders": joined}}


def entry(root: Path, path: Path, known: Mapping[str, FileEntry]) -> FileEntry:
    """The entry of a file below the lake ``root``; one in ``known`` of the same size is kept."""
    name, size = path.relative_to(root).as_posix(), path.stat().st_size
    before = known.get(name)
    if before is not None and before.bytes == size:
        return before
    rows = part_rows(path) if path.suffix == ".parquet" else 0
    return FileEntry(path=name, rows=rows, bytes=size, sha256=sha256(path))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
