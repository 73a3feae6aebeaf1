"""Bring the weights of a preset onto this machine: what ``mmindex encoders fetch`` does."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mmcore.encoders.families.openclip_fetch import fetch_open_clip
from mmcore.encoders.presets import Preset, presets
from mmcore.encoders.weights.hub_fetch import fetch_hub
from mmcore.encoders.weights.places import LIBRARIES, fetched_place, is_place
from mmcore.encoders.weights.releases import Release, Source
from mmcore.encoders.weights.server_fetch import fetch_file
from mmcore.encoders.weights.wanted import Fetched, Wanted
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec


@dataclass(frozen=True, slots=True)
class Terms:
    """Where weights go, and what a person accepts of them."""

    to: Path | None = None  # none: the folder that runs look into
    noncommercial: bool = False
    trusted: bool = False


def fetch(preset: str, model: str | None = None, terms: Terms | None = None) -> Fetched | None:
    """Bring the usual weights of a preset, or those that ``model`` names; None: it needs none.

    Raises UnknownPluginError, ConfigError for a model that cannot be fetched, and what the
    fetching of its source raises.
    """
    found, accepted = presets.get(preset), terms or Terms()
    if model is None and found.needs:
        raise ConfigError(f"preset {preset!r} has no usual weights: name some, {preset}:MODEL")
    if model is None and not found.releases:
        return None
    if model is not None and is_place(model):
        raise ConfigError(f"{preset}:{model}: is a path; fetch takes an id")
    wanted = _wanted(preset, found, model, accepted)
    if preset in _OPEN_CLIP:
        return fetch_open_clip(wanted)
    return _FETCHES[wanted.source](wanted)


def _wanted(preset: str, found: Preset, model: str | None, terms: Terms) -> Wanted:
    release = found.release(model) or next(
        (one for one in found.releases if one.id == f"{one.source}/{model}"), None
    )
    nearest = release or (found.releases[0] if found.releases else None)
    runtime = RuntimeSpec(weights=str(terms.to) if terms.to else None)
    name = model or (release.id if release else "")
    told = release or Release(_source(preset, nearest), name, "")
    return Wanted(
        preset=preset,
        id=told.id,
        source=told.source,
        target=fetched_place(preset, name, nearest, runtime),
        revision=told.revision,
        licence=told.licence,
        sha256=told.sha256,
        noncommercial=terms.noncommercial,
        trusted=terms.trusted,
    )


def _source(preset: str, nearest: Release | None) -> Source:
    """Where a model that no release names comes from: as the preset's others do."""
    if nearest is not None:
        return nearest.source
    return next((one for one in LIBRARIES if one == preset), "hub")


def _torchvision(wanted: Wanted) -> Fetched:
    """The default weights of one of torchvision's architectures."""
    from mmcore.encoders.families import backbone_facts  # noqa: PLC0415 - a table

    name = wanted.id.removeprefix("torchvision/")
    known = backbone_facts.architectures()
    if name not in known:
        raise ConfigError(f"torchvision has no architecture {name!r}{_near(name, known)}")
    release = backbone_facts.release_of(name)
    licence = wanted.licence or release.licence
    exact = replace(wanted, id=release.id, licence=licence, sha256=release.sha256)
    (file,) = release.sha256
    return fetch_file(exact, f"models/{file}", backbone_facts.config_of(name))


def _torchaudio(wanted: Wanted) -> Fetched:
    """One of torchaudio's bundles."""
    from mmcore.encoders.families.wav2vec2_bundles import BUNDLES  # noqa: PLC0415 - a table

    name = wanted.id.removeprefix("torchaudio/").upper()
    if name not in BUNDLES:
        known = map(str.lower, BUNDLES)
        raise ConfigError(f"torchaudio has no model {name.lower()!r}{_near(name.lower(), known)}")
    return fetch_file(wanted, f"torchaudio/models/{BUNDLES[name].file}", {"architecture": name})


def _near(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3)
    return f"; did you mean {', '.join(near)}?" if near else f"; known: {', '.join(names)}"


_OPEN_CLIP: Final = frozenset({"clip"})  # presets whose repositories are in open_clip's layout

_FETCHES: Final[Mapping[Source, Callable[[Wanted], Fetched]]] = {
    "hub": fetch_hub,
    "torchvision": _torchvision,
    "torchaudio": _torchaudio,
}
