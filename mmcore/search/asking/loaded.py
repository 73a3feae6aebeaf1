"""Encoders that stay loaded while snapshots change."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from mmcore.encoders.base import Encoder
from mmcore.search.asking.queries import Asker

A = TypeVar("A", bound=Asker)


class Loaded:
    """The encoders in use, so that those of a new snapshot that are the same stay loaded.

    An asker is in use as long as something holds it: those of a snapshot that could not be opened
    are let go, and those of the one that serves on are not.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._askers: list[weakref.ref[Asker]] = []

    def kept(self, asker: A) -> A:
        """``asker`` with the encoders in use, wherever name and fingerprint agree."""
        with self._lock:
            known = {_which(encoder): encoder for encoder in self._in_use()}
            encoders = tuple(known.get(_which(one), one) for one in asker.encoders)
            made = replace(asker, encoders=encoders)
            self._askers.append(weakref.ref(made))
        return made

    def _in_use(self) -> Iterator[Encoder]:
        """Those of the first asker, then of later ones; askers that are gone are forgotten."""
        askers = [(one, asker) for one in self._askers if (asker := one()) is not None]
        self._askers = [one for one, _ in askers]
        return (encoder for _, asker in askers for encoder in asker.encoders)


def _which(encoder: Encoder) -> tuple[str, str]:
    return encoder.key.name, encoder.key.fingerprint
