"""A versioned projection from encoders' spaces into a shared one; applied by NumPy alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders import packing
from mmcore.encoders.heads import Head
from mmcore.encoders.training_record import told
from mmcore.errors import SpaceMismatchError
from mmcore.types import EncoderKey, Vectors


def caption_digests(keys: Iterable[str]) -> frozenset[str]:
    """What stands for caption keys in a model's record, which is kept longer than any text."""
    return frozenset(hashlib.blake2b(k.encode(), digest_size=16).hexdigest() for k in keys)


@dataclass(frozen=True, slots=True)
class FittedOn:
    """What a projection has seen: a pair that touches it is never an evaluation query."""

    contents: frozenset[str] = frozenset()
    captions: frozenset[str] = frozenset()  # ``caption_digests`` of their keys

    def __or__(self, other: FittedOn) -> FittedOn:
        """What either has seen."""
        return FittedOn(self.contents | other.contents, self.captions | other.captions)

    @classmethod
    def told(cls, record: Mapping[str, Any]) -> FittedOn:
        """What ``to_json`` gave; an older record has the caption keys themselves."""
        plain = caption_digests(record.get("caption_keys", ()))
        return cls(frozenset(record["contents"]), plain | frozenset(record.get("captions", ())))

    def to_json(self) -> dict[str, list[str]]:
        """As a record has it."""
        return {"contents": sorted(self.contents), "captions": sorted(self.captions)}


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """One encoder's way into the shared space; encoders of one space have the same ``head``."""

    fingerprint: str
    head: Head


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Heads by encoder name. It is never changed: what is fitted later is another version."""

    target: str  # the text encoder's space, whose vectors the shared ones are made like
    version: str  # "p1", "p2", …
    dim: int
    heads: Mapping[str, Joined]
    fitted_on: FittedOn = field(default_factory=FittedOn)
    training: Mapping[str, Any] = field(default_factory=dict)  # how, as JSON has it; {}: untrained

    @property
    def space(self) -> str:
        """The shared space's name: ``e5-small/p1``."""
        return f"{self.target}/{self.version}"

    def joins(self, key: EncoderKey) -> bool:
        """Whether the encoder of exactly this fingerprint has a way into the shared space."""
        return key.name in self.heads and self.heads[key.name].fingerprint == key.fingerprint

    def project(
        self, key: EncoderKey, vectors: Vectors, languages: Sequence[str | None]
    ) -> Vectors:
        """Cells of the encoder ``key`` (n, dim), or means of some, → (n, self.dim) unit vectors.

        ``languages`` (n,) matter to texts only. Queries and what is indexed are projected alike:
        the text encoder has one side. Raises SpaceMismatchError for an encoder that is not joined.
        """
        if not self.joins(key):
            raise SpaceMismatchError(
                key.space, self.space, f"it joins no encoder {key.name} {key.fingerprint}"
            )
        if vectors.ndim != 2 or vectors.shape[1] != key.dim or len(languages) != len(vectors):  # noqa: PLR2004
            raise ValueError(
                f"cells of {vectors.shape} with {len(languages)} languages, dim {key.dim}"
            )
        if not len(vectors):
            return np.zeros((0, self.dim), dtype=np.float32)
        return self.heads[key.name].head.project(vectors, languages)

    def same_as(self, other: Projection) -> bool:
        """Whether both place everything alike and were fitted on the same, whatever their name."""
        if (self.target, self.dim, self.fitted_on) != (other.target, other.dim, other.fitted_on):
            return False
        known = {"format", "fingerprints", "heads", "bodies"}
        one, two = (packing.read(of.in_order().to_files()) for of in (self, other))
        alike = all(one[1][name] == two[1][name] for name in known)
        return alike and _equal(one[0], two[0])

    def in_order(self) -> Projection:
        """It with heads sorted by name, as files have them."""
        return replace(self, heads=dict(sorted(self.heads.items())))

    def to_files(self) -> dict[str, bytes]:
        """``projection.safetensors``, ``config-<hash>.json`` (the record) and ``card.md``."""
        heads = {name: joined.head for name, joined in self.heads.items()}
        tensors, packed = packing.pack(heads)
        config = {
            "target": self.target,
            "version": self.version,
            "dim": self.dim,
            "fingerprints": {name: joined.fingerprint for name, joined in self.heads.items()},
            "fitted_on": self.fitted_on.to_json(),
            **packed,
            **({"training": self.training} if self.training else {}),
        }
        return packing.files(tensors, config, self._card())

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Projection:
        """The projection that ``to_files`` wrote; ConfigError for another format."""
        tensors, config = packing.read(files)
        heads = packing.unpack(tensors, config)
        return cls(
            target=config["target"],
            version=config["version"],
            dim=config["dim"],
            heads={
                name: Joined(fingerprint, heads[name])
                for name, fingerprint in config["fingerprints"].items()
            },
            fitted_on=FittedOn.told(config["fitted_on"]),
            training=config.get("training", {}),
        )

    def _card(self) -> str:
        lines = [f"# Projection {self.space}", ""]
        lines.append(
            f"Leads cells into a shared space of {self.dim} dimensions, next to its texts."
        )
        lines += ["", "| encoder | fingerprint | head |", "|---|---|---|"]
        lines += [f"| {n} | {j.fingerprint} | {j.head.state} |" for n, j in self.heads.items()]
        seen = self.fitted_on
        lines += [
            "",
            f"Fitted on {len(seen.contents)} contents, {len(seen.captions)} captions.",
        ]
        lines += [
            "`config-*.json` names them by hashes; the tensors hold features of those contents."
        ]
        return "\n".join([*lines, *told(self.training)]) + "\n"


def _equal(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)
