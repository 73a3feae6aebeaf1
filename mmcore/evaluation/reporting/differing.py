"""What of that which makes a snapshot is other than in the one that it is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mmcore.evaluation.scores import Differing, Made
from storage.manifest import FusionEntry, Manifest

_Made = dict[tuple[Made, str], str]

_COUNTED: Final = ("items", "files")
_SEGMENTS: Final = "segments_"
_TOLD: Final = {"fusion"}
"""Sections of settings that are not told by themselves: what came of them is."""


def differing(before: Manifest, after: Manifest) -> list[Differing]:
    """Preset, encoders, projection, fusion, settings, software and counts that differ.

    The order is that in which one looks for a cause. A value is "" where there is none.
    """
    sides: tuple[_Made, ...] = (_made(before), _made(after))
    if sides[0]["fusion", ""] == sides[1]["fusion", ""]:
        sides = tuple(one | _made_by(of) for one, of in zip(sides, (before, after), strict=True))
    keys = dict.fromkeys([*sides[0], *sides[1]])
    pairs = ((key, sides[0].get(key, ""), sides[1].get(key, "")) for key in keys)
    found = [
        Differing(what=what, name=name, before=one, after=other)
        for (what, name), one, other in pairs
        if one != other
    ]
    order = ("preset", "encoder", "projection", "fusion", "setting", "software", "count")
    return sorted(found, key=lambda one: order.index(one.what))


def _made(manifest: Manifest) -> _Made:
    """What made it, and what is called how, as it is written."""
    projection, fusion = manifest.projection, manifest.fusion
    found: _Made = {("preset", ""): manifest.preset}
    for encoder in manifest.encoders:
        found["encoder", f"{encoder.modality} {encoder.name}"] = encoder.fingerprint
    found["projection", ""] = projection.space if projection else ""
    found["fusion", ""] = _fused(fusion) if fusion else ""
    found["setting", "storage.dtype"] = manifest.dtype
    for section, settings in manifest.specs.items():
        if section not in _TOLD:
            found |= {("setting", name): told for name, told in _flat(section, settings)}
    found |= {("software", name): version for name, version in manifest.software.items()}
    for name, count in manifest.counts.items():
        if name in _COUNTED or name.startswith(_SEGMENTS):
            found["count", name] = f"{count:,}"
    return found


def _fused(fusion: FusionEntry) -> str:
    """A fusion by its name, the version of its model, and its weights."""
    weights = ", ".join(f"{name} {weight:g}" for name, weight in sorted(fusion.weights.items()))
    named = f"{fusion.name} {fusion.version}" if fusion.version else fusion.name
    return f"{named}: {weights}" if weights else named


def _made_by(manifest: Manifest) -> _Made:
    """What else a fusion is told apart by, where name, version and weights are the same."""
    fusion = manifest.fusion
    return {("fusion", "fingerprint"): fusion.fingerprint} if fusion else {}


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """``section.name`` and so on → value."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    else:
        yield name, "" if value is None else str(value)
