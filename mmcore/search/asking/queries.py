"""What is asked → a unit vector in the space of the index, by the encoders that made the lake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from mmcore.encoders.base import AsksInBatches, Encoder
from mmcore.encoders.embed import USUAL
from mmcore.encoders.presets import encoder_named, of_a_lake, runtime_of
from mmcore.encoders.projections import Projection
from mmcore.errors import ConfigError, MediaError, MissingWeightsError, UnknownPluginError
from mmcore.media.limits import check_bytes, check_segments
from mmcore.media.pieces import Piece
from mmcore.media.sniff import HEAD, sniff
from mmcore.media.texts.chunks import chunks
from mmcore.media.texts.clean import clean
from mmcore.media.texts.language import detect_language
from mmcore.media.texts.read import read_text
from mmcore.search.notes import Note
from mmcore.search.opened.models import published_projection
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Content, Vectors, unit_rows
from storage.manifest import Manifest
from storage.schemas import MmindexError, Modality
from storage.snapshot import Snapshot

MOST_CHUNKS = 20  # of a query text
TEXTS: Final = 256  # query texts that go through an encoder at once


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A query as a vector: it can search what lies in ``space``."""

    space: str
    modality: Modality
    vector: Vectors  # (d,) unit length


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Asker:
    """Turns texts, files and cells into queries, with exactly the encoders of one snapshot."""

    manifest: Manifest
    encoders: Sequence[Encoder]
    projection: Projection | None
    segmentation: SegmentationSpec = field(default_factory=SegmentationSpec)
    limits: LimitsSpec = field(default_factory=LimitsSpec)
    runtime: RuntimeSpec = field(default_factory=RuntimeSpec)
    missing: Mapping[str, MmindexError] = field(default_factory=dict)  # by encoder

    @classmethod
    def of(cls, snapshot: Snapshot, limits: LimitsSpec, runtime: RuntimeSpec) -> Asker:
        """The snapshot's preset, segmentation and projection; loads no weights."""
        manifest = snapshot.manifest
        segmentation = SegmentationSpec.model_validate(manifest.specs.get("segmentation", {}))
        encoders, missing = _encoders(manifest, segmentation, runtime)
        projection = published_projection(snapshot)
        specs = (segmentation, limits, runtime)
        return cls(manifest, encoders, projection, *specs, missing=missing)

    def spaces(self, modality: Modality) -> tuple[str, ...]:
        """The spaces that a query by ``modality`` can be asked in, the main one first.

        Texts have one for each text tower. ConfigError where the lake has no such encoder.
        """
        if not (found := self.manifest.spaces(modality)):
            self.encoder(modality)
        return found

    def text(self, text: str, space: str | None = None) -> Asked:
        """A text as a query: the mean of its chunks. ConfigError for an empty one.

        It is encoded by the main text encoder, or by that of ``space``; so it is below.
        """
        return self.chunks(self.cut(text), detect_language(text), space)

    def cut(self, text: str) -> list[str]:
        """The chunks of a query text; ConfigError for an empty one, or one that is too long."""
        cut = [chunk for _, chunk in chunks(clean(text), self.segmentation) if chunk.strip()]
        if not cut:
            raise ConfigError(Note("empty-text"))
        if len(cut) > MOST_CHUNKS:
            raise ConfigError(Note("text-too-long", count=len(text), most=MOST_CHUNKS * 200))
        return cut

    def chunks(
        self, texts: Sequence[str], language: str | None, space: str | None = None
    ) -> Asked:
        """The mean of the chunks of one text, each encoded as a query."""
        vectors = self.texts([texts], [language], space)
        return Asked(space or self.space(Modality.TEXT), Modality.TEXT, vectors[0])

    def texts(
        self,
        texts: Sequence[Sequence[str]],
        languages: Sequence[str | None],
        space: str | None = None,
    ) -> Vectors:
        """``chunks`` of n texts at once: (n, d), in the space that texts ask in."""
        encoder = self.encoder(Modality.TEXT, space)
        encoded = _encoded_texts(encoder, [chunk for chunks in texts for chunk in chunks])
        ends = np.cumsum([len(chunks) for chunks in texts])
        return self.contents(Modality.TEXT, np.split(encoded, ends[:-1]), languages, space)

    def kind(self, path: Path, modality: Modality | None = None) -> Modality:
        """What a file asks as: what its content is, or ``modality``; decodes nothing.

        Raises ConfigError for a file that is missing, or that cannot be asked so.
        """
        return self._kind(path, read_content(path), modality)

    def _kind(self, path: Path, content: Content, modality: Modality | None) -> Modality:
        if content.modality == Modality.TEXT and modality in (None, Modality.TEXT):
            return Modality.TEXT
        encoder = self.encoder(modality or content.modality)
        if content.modality not in encoder.key.reads:
            facts = {"path": str(path), "medium": content.modality, "by": str(modality)}
            raise ConfigError(Note("asked-as", **facts))
        return encoder.key.modality

    def media(
        self, path: Path, modality: Modality | None = None, space: str | None = None
    ) -> Asked:
        """A file as a query, told by its content; ``modality`` audio asks with a video's sound.

        Raises ConfigError for a file that is missing, damaged or of no use.
        """
        content = read_content(path)
        try:
            kind = self._kind(path, content, modality)
            if content.modality == kind == Modality.TEXT:
                return self.text(read_text(content, self.limits), space)
            encoder = self.encoder(kind)
            if kind == Modality.TEXT:
                return self._subtitles(path, encoder, content, space)
            vectors = self._encoded(encoder, content)
        except MediaError as error:
            raise ConfigError(Note("unusable", path=str(path), why=error)) from error
        if not len(vectors):
            raise ConfigError(Note("nothing-in-file", path=str(path), medium=encoder.key.modality))
        return self.cells(encoder.key.modality, vectors)

    def _subtitles(
        self, path: Path, encoder: Encoder, content: Content, space: str | None
    ) -> Asked:
        """What stands below a video, as a text."""
        found = [piece.text or "" for piece in self._pieces(encoder, content)]
        if not found:
            raise ConfigError(Note("nothing-in-file", path=str(path), medium=Modality.TEXT))
        return self.text("\n".join(found), space)

    def cells(self, modality: Modality, vectors: Vectors) -> Asked:
        """Cells (n, dim) of one content as the query that its file is."""
        asked = self.contents(modality, [vectors], [None])
        return Asked(self.space(modality), modality, asked[0])

    def contents(
        self,
        modality: Modality,
        cells: Sequence[Vectors],
        languages: Sequence[str | None],
        space: str | None = None,
    ) -> Vectors:
        """``cells`` of n contents at once: (n, d), in the space that ``modality`` asks in."""
        key = self.encoder(modality, space).key
        means = unit_rows(np.stack([of.mean(axis=0) for of in cells]))
        if self.projection is None or not self.projection.joins(key):
            return means
        return self.projection.project(key, means, languages)

    def space(self, modality: Modality) -> str:
        """The space that a query by ``modality`` lies in, unless another one is asked for."""
        key = self.encoder(modality).key
        joined = self.projection is not None and self.projection.joins(key)
        return self.projection.space if self.projection is not None and joined else key.space

    def encoder(self, modality: Modality, space: str | None = None) -> Encoder:
        """The snapshot's main encoder of ``modality``, or that of ``space``.

        ConfigError where this one would be another.
        """
        entry = self.manifest.encoder(modality, space)
        if entry is None:
            known = (*dict.fromkeys(e.modality for e in self.manifest.encoders),)
            raise ConfigError(Note("no-encoder", medium=modality, media=known or Note("none")))
        if entry.name in self.missing:
            raise self.missing[entry.name]
        named = [e for e in self.encoders if e.key.name == entry.name]
        for encoder in named:
            if encoder.key.fingerprint == entry.fingerprint:
                return encoder
        here = named[0].key.fingerprint if named else Note("nothing-of-that-name")
        made = f"{entry.name} {entry.fingerprint}"
        raise ConfigError(Note("other-encoder", medium=modality, made=made, here=here))

    def _encoded(self, encoder: Encoder, content: Content) -> Vectors:
        decoded = (piece.decoded for piece in self._pieces(encoder, content))
        found = [np.zeros((0, encoder.key.dim), dtype=np.float32)]
        while batch := [
            encoder.prepare(d) for d in islice(decoded, self.runtime.batch_size or USUAL)
        ]:
            found.append(encoder.encode(np.stack(batch)))
        return np.concatenate(found)

    def _pieces(self, encoder: Encoder, content: Content) -> Iterator[Piece]:
        """Its segments as indexing has them, within the same limits."""
        from mmcore.media.segments import cut  # noqa: PLC0415 - a search by text loads no decoder

        check_bytes(content.size, self.limits)
        found = cut(content, encoder, self.segmentation, self.limits)
        pieces = (one for one in found if isinstance(one, Piece))
        for count, piece in enumerate(pieces, start=1):
            check_segments(count, self.limits)
            yield piece


def _encoded_texts(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    if not isinstance(encoder, AsksInBatches):
        return np.stack([encoder.encode_query(text) for text in texts])
    starts = range(0, len(texts), TEXTS)
    return np.concatenate([encoder.encode_queries(texts[i : i + TEXTS]) for i in starts])


def _encoders(
    manifest: Manifest, segmentation: SegmentationSpec, runtime: RuntimeSpec
) -> tuple[tuple[Encoder, ...], dict[str, MmindexError]]:
    """The snapshot's encoders; by name the errors of those that are not here, with their weights.

    ConfigError says what the lake needs where its preset is not installed.
    """
    made: list[Encoder] = []
    missing: dict[str, MmindexError] = {}
    try:
        runtime = runtime_of(manifest.preset, of_a_lake(runtime))
    except UnknownPluginError as error:
        raise _lacking(manifest, error) from error
    for name in dict.fromkeys(one.name for one in manifest.encoders):
        try:
            made.append(encoder_named(name, segmentation, runtime))
        except MissingWeightsError as error:
            missing[name] = error
        except UnknownPluginError as error:
            missing[name] = _lacking(manifest, error)
    return tuple(made), missing


def _lacking(manifest: Manifest, error: UnknownPluginError) -> ConfigError:
    needed = (*(f"{one.name} ({one.modality})" for one in manifest.encoders),)
    return ConfigError(Note("lacking", preset=manifest.preset, why=error, encoders=needed))


def read_content(path: Path) -> Content:
    """A query's file as content, typed by its first bytes; ConfigError where it is none."""
    if not path.is_file():
        raise ConfigError(Note("a-folder" if path.is_dir() else "not-there", path=str(path)))
    with path.open("rb") as file:
        told = sniff(file.read(HEAD))
    if told is None:
        raise ConfigError(Note("no-medium", path=str(path)))
    modality, media_type = told
    size = path.stat().st_size
    return Content("", modality, media_type, size, "query", str(path), str(path))
