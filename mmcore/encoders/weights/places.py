"""Where the weights of a preset lie on this machine, or would."""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath
from typing import Final

from mmcore.encoders.weights.hub_cache import cached_snapshot
from mmcore.encoders.weights.releases import Release
from mmcore.errors import ConfigError, MissingWeightsError
from mmcore.specs import RuntimeSpec

VARIABLE: Final = "MMINDEX_WEIGHTS"

LIBRARIES: Final = ("torchvision", "torchaudio")
"""Presets, or sources of releases, whose models have a bare name: ``torchvision:resnet50``."""


def weights_root(runtime: RuntimeSpec) -> Path:
    """The folder of fetched weights: by setting, by $MMINDEX_WEIGHTS, or in the user's cache."""
    told = runtime.weights or os.environ.get(VARIABLE)
    if told:
        return Path(told).expanduser().absolute()
    cached = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(cached).expanduser() / "mmindex" / "weights").absolute()


def is_place(model: str) -> bool:
    """Whether what is named behind a preset's colon is a folder or file, not an id.

    By how it begins, not by what is here: an id stays one wherever a run starts.
    """
    return model.startswith((".", "/", "~")) or PureWindowsPath(model).is_absolute()


def place_of_weights(preset: str, release: Release | None, runtime: RuntimeSpec) -> Path:
    """Where a preset's weights lie, or would: what ``runtime.models`` names, else the release's.

    A name that is no path is an id, looked for below ``weights_root``, then, where its revision
    is known, in the cache of huggingface_hub. Of two models of one preset that have releases,
    ``release`` is the one that ``runtime.models`` names (``Preset.release``).
    """
    told = runtime.models.get(preset)
    if told is not None and is_place(told):
        return Path(told).expanduser().absolute()
    if told is None and release is None:
        raise ConfigError(f"preset {preset!r} has no weights of its own: name some, {preset}:PATH")
    name = told or (release.id if release else "")
    fetched = fetched_place(preset, name, release, runtime)
    if fetched.exists() or release is None or name not in names_of(release):
        return fetched
    return cached_snapshot(release.id, release.revision) or fetched


def fetched_place(preset: str, name: str, release: Release | None, runtime: RuntimeSpec) -> Path:
    """Where ``mmindex encoders fetch`` puts the weights of that id or name."""
    library = release.source if release is not None else preset
    if library in LIBRARIES and "/" not in name:
        name = f"{library}/{name}"
    root = weights_root(runtime)
    place = root / name
    if ".." in Path(name).parts or not place.is_relative_to(root):
        raise ConfigError(f"{preset}:{name}: is no id of weights, and no path")
    return place


def names_of(release: Release) -> set[str | None]:
    """How ``runtime.models`` names it: not at all, by its id, or without its library."""
    return {None, release.id, release.id.removeprefix(f"{release.source}/")}


def missing(
    preset: str, path: Path, runtime: RuntimeSpec, *, trained: bool = False
) -> MissingWeightsError:
    """What to do about weights that are not in ``path``: mend a path, fetch, or train.

    ``trained``: whether the preset has no published weights.
    """
    told = runtime.models.get(preset)
    if told is not None and is_place(told):
        usual = f"`mmindex encoders fetch {preset}` brings the usual ones"
        if trained:
            usual = f"name what `mmindex encoders train {preset}` made, or a file"
        called, how = (
            preset,
            (
                f"were they moved, `mmindex index … --preset {preset}:PATH` takes the new place,"
                f" and embeds nothing again; {usual}"
            ),
        )
    elif told is None:
        called, how = preset, ""
    elif Path(told).exists():
        called, how = preset, f"{told!r} is an id; for what lies here write {preset}:./{told}"
    else:
        called, how = f"{preset}:{told}", ""
    if trained and not how:
        how = f"name what `mmindex encoders train {preset}` made, or a file"
    return MissingWeightsError(called, path, how)
