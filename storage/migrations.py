"""Older manifests, lifted to today's schema in memory, one version at a time.

A new version adds one function to ``STEPS``; no step is ever changed once it was released.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from storage.errors import LakeVersionError
from storage.schemas import SCHEMA_VERSION

Stored = Mapping[str, Any]


def lifted(stored: Stored, path: Path) -> Stored:
    """The manifest ``stored``, read at ``path``, as this version writes it; changes no file.

    Raises LakeVersionError for a version that is newer than ours or older than any we know,
    KeyError or TypeError for what is no manifest.
    """
    version = stored["schema_version"]
    check_version(path, version)
    while version < SCHEMA_VERSION:
        stored = {**STEPS[version](stored), "schema_version": version + 1}
        version += 1
    return stored


def check_version(path: Path, version: object) -> None:
    """Raise LakeVersionError unless files of the schema ``version`` can be read."""
    if type(version) is not int or not OLDEST <= version <= SCHEMA_VERSION:
        raise LakeVersionError(path, version, OLDEST, SCHEMA_VERSION)


def _from_1(stored: Stored) -> Stored:
    """Version 2 says more (dtype, private, mounts …): the defaults are what version 1 always was.

    The first manifests only named the encoders that a projection joins: their own are meant.
    """
    projection = stored.get("projection")
    if not projection or not isinstance(projection["encoders"], list):
        return stored
    own = {encoder["name"]: encoder["fingerprint"] for encoder in stored["encoders"]}
    joined = {name: own[name] for name in projection["encoders"] if name in own}
    return {**stored, "projection": {**projection, "encoders": joined}}


def _from_2(stored: Stored) -> Stored:
    """Version 3 only has more columns in its tables: older parts stay as they are."""
    return stored


def _from_3(stored: Stored) -> Stored:
    """Version 4 says which trained model fused, and by which weights, which only specs told."""
    fusion, specs = stored.get("fusion"), stored.get("specs", {})
    if not fusion or fusion["name"] != "weighted":
        return stored
    return {**stored, "fusion": {**fusion, "weights": specs.get("fusion", {}).get("weights", {})}}


def _from_4(stored: Stored) -> Stored:
    """Version 5 has tables of frozen queries and of words, and a verdict: they are none before."""
    return stored


STEPS: Final[Mapping[int, Callable[[Stored], Stored]]] = MappingProxyType(
    {1: _from_1, 2: _from_2, 3: _from_3, 4: _from_4}
)
"""Version → what makes the next one of it."""

OLDEST: Final = min(STEPS)
