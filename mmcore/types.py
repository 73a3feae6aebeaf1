"""The values that pass between stages: frozen, checked once, then trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from storage import schemas
from storage.schemas import MODALITIES, Modality

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Source:
    """A root that is crawled: ``alias`` names it in the lake, ``url`` says where it lies now."""

    alias: str
    url: str


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One file under a root, or one caption of a manifest (then ``text`` holds it)."""

    root: str
    path: str  # below the root, forward slashes; of a caption: "<manifest>#<item>/<language>"
    content_id: str
    modality: Modality
    media_type: str
    size: int
    mtime_ns: int
    language: str | None = None  # what the name or the manifest says, not what was detected
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """The files that belong together; what a user wants to find."""

    root: str
    key: str
    files: tuple[MediaFile, ...]
    labels: tuple[str, ...] = ()
    split: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    item_id: int = field(init=False, compare=False)  # of root and key: a rename is a new item

    def __post_init__(self) -> None:
        object.__setattr__(self, "item_id", schemas.item_id(self.root, self.key))


Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of an upright picture's width and height."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where in its content a segment lies; ``unit`` is char, second, page or box.

    Pages count from 0: the first is 0 to 1. A ``box`` lies in the page that ``start`` names.
    """

    start: float
    end: float
    unit: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """What one vector stands for; its id knows no item and no path."""

    content_id: str
    modality: Modality
    source: str  # self, track:N, subtitle:N, page:N, ocr@…, asr@…
    segmentation: str  # how it was cut: "whole", "window-10s" …
    span: Span | None = None
    language: str | None = None
    text: str | None = None
    kind: str | None = None  # what it was found to be; decides no id

    @property
    def segment_id(self) -> int:
        """Made from the content and the place in it."""
        span, box = None, None
        if self.span is not None:
            span, box = (self.span.start, self.span.end, self.span.unit), self.span.box
        return schemas.segment_id(self.content_id, self.source, self.segmentation, span, box)


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to be worked on, known by their hash, with one place where they can be read now."""

    content_id: str
    modality: Modality
    media_type: str
    size: int
    root: str
    path: str  # as in MediaFile, for messages and quarantine
    location: str  # what to open: a local path, or an object's URL; empty for a manifest's caption
    text: str | None = None
    mtime_ns: int = 0  # when it was crawled, as its size

    @classmethod
    def of(cls, file: MediaFile, location: str) -> Self:
        """That of a file, which can be read at ``location``; a caption is nowhere but in it."""
        return cls(
            content_id=file.content_id,
            modality=file.modality,
            media_type=file.media_type,
            size=file.size,
            root=file.root,
            path=file.path,
            location="" if file.text is not None else location,
            text=file.text,
            mtime_ns=file.mtime_ns,
        )


@dataclass(frozen=True, slots=True)
class EncoderKey:
    """What the plan and the lake need to know of an encoder; no weights."""

    modality: Modality
    name: str
    fingerprint: str
    space: str
    dim: int
    reads: tuple[
        Modality, ...
    ]  # which contents it takes segments from: audio reads audio and video


class Contents(Sequence[Content]):
    """Contents in their order, never changed; to others one value, and no tuple to look into.

    Who orchestrates looks for futures in the tuples and dataclasses that a task is given: some
    .15 ms a content.
    """

    __slots__ = ("_all",)

    def __init__(self, contents: Iterable[Content]) -> None:
        self._all = tuple(contents)

    @overload
    def __getitem__(self, place: int) -> Content: ...
    @overload
    def __getitem__(self, place: slice) -> Contents: ...
    def __getitem__(self, place: int | slice) -> Content | Contents:
        """One of them, or some."""
        return Contents(self._all[place]) if isinstance(place, slice) else self._all[place]

    def __len__(self) -> int:
        """How many they are."""
        return len(self._all)

    def __iter__(self) -> Iterator[Content]:
        """Each of them."""
        return iter(self._all)

    def __eq__(self, other: object) -> bool:
        """Whether the other ones are the same, in the same order; they may be a tuple."""
        if isinstance(other, Contents | tuple):
            return self._all == tuple(other)
        return NotImplemented

    def __hash__(self) -> int:
        """As of the tuple that they equal."""
        return hash(self._all)

    def __repr__(self) -> str:
        """As of a tuple."""
        return repr(self._all)


@dataclass(frozen=True, slots=True)
class Shard:
    """The unit of work, retry and resumption: contents for one encoder.

    Those of a shard with a ``reader`` (``ocr@…``, ``asr@…``) are read for text by it.
    """

    encoder: EncoderKey
    contents: Sequence[Content]
    reader: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "contents", Contents(self.contents))

    @property
    def name(self) -> str:
        """Hash of the contents and the fingerprint: a shard that gained one has another name."""
        read = [self.reader] if self.reader else []
        contents = sorted(c.content_id for c in self.contents)
        return schemas.digest([self.encoder.fingerprint, contents, *read])


@dataclass(frozen=True, slots=True)
class Rejection:
    """What could not be used, and why; becomes a quarantine row."""

    root: str
    path: str
    content_id: str | None
    stage: str
    reason: str
    message: str
    decoder: str  # name and version of what tried: "pillow 13.0.0"
    source: str | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """One unit vector an item, from what the item has."""

    space: str
    item_ids: Ids  # (n,) int64
    inputs: Ids  # (n,) int64, hash of what was fused
    vectors: Vectors  # (n, d) float32
    has: NDArray[np.bool_]  # (n, 4), in the order of MODALITIES
    weights: NDArray[np.float32]  # (n, 4), zero where absent

    def __post_init__(self) -> None:
        check_unit_rows(self.item_ids, self.vectors)
        if (
            self.has.shape != (len(self.item_ids), len(MODALITIES))
            or self.weights.shape != self.has.shape
        ):
            raise ValueError(
                f"{len(self.item_ids)} items, masks of {self.has.shape},"
                f" weights of {self.weights.shape}"
            )


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: one of text, media, vector; ``modality`` None searches the fused vectors."""

    text: str | None = None
    media: str | None = None  # a local path
    media_modality: Modality | None = None
    vector: tuple[float, ...] | None = None
    modality: Modality | None = None
    k: int = 10
    language: str | None = None  # only texts of this language


@dataclass(frozen=True, slots=True)
class Reason:
    """One list that brought a hit up: a medium's vectors, whole items, or words."""

    by: str  # a modality, "fused" or "words"
    score: float  # in that list, as it was made comparable
    segment_id: int | None = None
    span: Span | None = None
    words: tuple[str, ...] = ()  # of the query, that are in it


@dataclass(frozen=True, slots=True)
class Hit:
    """An answer; a higher score is better, always."""

    item_id: int
    key: str
    score: float
    segment_id: int | None = None  # None for a fused vector
    modality: Modality | None = None
    root: str | None = None
    path: str | None = None  # a file of the item: the one the segment is cut from
    span: Span | None = None
    text: str | None = None
    kind: str | None = None  # what the segment was found to be
    source: str | None = None  # which part of the file it is of, as a segment's
    paged: bool = False  # its span is a box, and the picture has several pages
    why: tuple[Reason, ...] = ()
    duplicates: int = 0  # nearly equal items that it stands for, beside its own


def check_unit_rows(ids: Ids, vectors: Vectors) -> None:
    """Raise ValueError unless there is one finite unit row of float32 for each id."""
    if vectors.ndim != 2 or vectors.shape[0] != ids.shape[0]:  # noqa: PLR2004 - a matrix
        raise ValueError(f"{len(ids)} ids, vectors of {vectors.shape}")
    if vectors.dtype != np.float32:
        raise ValueError(f"vectors of {vectors.dtype}, not float32")
    norms = np.linalg.norm(vectors, axis=1)
    if not np.allclose(norms, 1.0, atol=1e-3):  # a NaN fails too
        worst = int(np.argmax(np.abs(np.nan_to_num(norms, nan=np.inf) - 1)))
        raise ValueError(f"row {worst} has length {norms[worst]}, not 1")


def unit_rows(vectors: NDArray[np.floating[Any]]) -> Vectors:
    """Scale each row to length 1 (float32, C order); a zero row raises ValueError."""
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.all(np.isfinite(norms)) or np.any(norms == 0):
        raise ValueError("a vector is zero or not finite and has no direction")
    return np.ascontiguousarray(rows / norms)
