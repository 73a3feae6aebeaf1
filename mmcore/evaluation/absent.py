"""Encoders that are not here any more: what they embedded is in the lake, and may still ask.

A snapshot whose models were replaced is compared with the one that has the new ones. Its media ask
by their stored vectors, as they always do; so do its texts where the encoder embeds a query as it
embeds what is stored. Other texts cannot be asked any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from mmcore.encoders.base import AsksAsStored, Encoder
from mmcore.errors import ConfigError
from mmcore.types import EncoderKey, Vectors
from storage.manifest import EncoderEntry, Manifest


class AbsentEncoder:
    """Stands for an encoder of a manifest whose fingerprint nothing here has."""

    licence = ""
    size = 0
    shape = None
    dtype = "float32"

    def __init__(self, entry: EncoderEntry, *, asks_as_stored: bool) -> None:
        self.asks_as_stored = asks_as_stored
        self.key = EncoderKey(
            entry.modality, entry.name, entry.fingerprint, entry.space, entry.dim, ()
        )

    @property
    def compute(self) -> Mapping[str, str]:
        """It computes nothing."""
        return {}

    def prepare(self, decoded: Any) -> NDArray[Any]:
        """Raise ConfigError."""
        raise self._absent()

    def encode(self, inputs: Sequence[str] | NDArray[Any]) -> Vectors:
        """Raise ConfigError."""
        raise self._absent()

    def encode_query(self, decoded: Any) -> Vectors:
        """Raise ConfigError."""
        raise self._absent()

    def _absent(self) -> ConfigError:
        return ConfigError(f"{self.key.name} {self.key.fingerprint} is not here any more")


def with_absent(manifest: Manifest, encoders: Sequence[Encoder]) -> list[Encoder]:
    """The encoders of a manifest that are among ``encoders``; the others are stood for.

    One of the same name tells whether a text asks as it is stored: other versions of an encoder
    ask alike.
    """
    here = {(one.key.name, one.key.fingerprint): one for one in encoders}
    named = {one.key.name: one for one in encoders}
    found: list[Encoder] = []
    for entry in manifest.encoders:
        like = named.get(entry.name)
        alike = isinstance(like, AsksAsStored) and like.asks_as_stored
        absent = AbsentEncoder(entry, asks_as_stored=alike)
        found.append(here.get((entry.name, entry.fingerprint), absent))
    return found
