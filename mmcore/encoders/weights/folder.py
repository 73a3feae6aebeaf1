"""A folder of weights on this machine: which of its files decide vectors, and their digest."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.weights.cards import CARD as CARD  # noqa: PLC0414 - for others
from mmcore.encoders.weights.hashes import sha256_of
from mmcore.encoders.weights.hub_cache import cached_snapshot
from mmcore.encoders.weights.licences import licence_of
from mmcore.encoders.weights.releases import Release, is_noncommercial
from mmcore.errors import ConfigError, MissingWeightsError
from mmcore.specs import RuntimeSpec
from storage.schemas import digest

SAFE: Final = ".safetensors"

INDEX: Final = ".safetensors.index.json"  # names the files that a large model is cut into

PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt")  # are opened only where they are pinned

VARIABLE: Final = "MMINDEX_WEIGHTS"

LIBRARIES: Final = ("torchvision", "torchaudio")
"""Presets, or sources of releases, whose models have a bare name: ``torchvision:resnet50``."""

HUB_FILES: Final = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer*.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
    "chat_template.*",
    "*.safetensors",
    "*.safetensors.index.json",
)
"""What decides the vectors of a model in transformers' layout."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Weights that lie here. ``files``: those that decide vectors, by name, sorted."""

    path: Path
    files: tuple[str, ...]
    licence: str
    pins: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Hash of the files' names and contents, wherever they lie."""
        return _digest_of(self.path, self.files, _stamps(self.path, self.files))

    def json(self, name: str) -> dict[str, Any]:
        """A JSON file of the folder; ConfigError where it is missing or damaged."""
        try:
            found = json.loads((self.path / name).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self.path / name}: cannot be read ({error})") from error
        if not isinstance(found, dict):
            raise ConfigError(f"{self.path / name}: is not a JSON object")
        return found


@cache
def _digest_of(path: Path, files: tuple[str, ...], stamps: tuple[tuple[int, ...], ...]) -> str:
    del stamps  # another content is another call
    return digest({name: sha256_of(path / name) for name in files})


def _stamps(path: Path, files: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """What changes with a file; a link is followed."""
    stats = [(path / name).stat() for name in files]
    return tuple((stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) for stat in stats)


def weights_root(runtime: RuntimeSpec) -> Path:
    """The folder of fetched weights: by setting, by $MMINDEX_WEIGHTS, or in the user's cache."""
    told = runtime.weights or os.environ.get(VARIABLE)
    if told:
        return Path(told).expanduser().absolute()
    cached = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(cached).expanduser() / "mmindex" / "weights").absolute()


def is_place(model: str) -> bool:
    """Whether what is named behind a preset's colon is a folder or file, not an id."""
    return model.startswith((".", "/", "~")) or Path(model).expanduser().exists()


def place_of_weights(preset: str, release: Release | None, runtime: RuntimeSpec) -> Path:
    """Where a preset's weights lie, or would: what ``runtime.models`` names, else the release's.

    A name that is no folder here is an id, looked for below ``weights_root``, then, where its
    revision is known, in the cache of huggingface_hub. Of two models of one preset that have
    releases, ``release`` is the one that ``runtime.models`` names (``Preset.release``).
    """
    told = runtime.models.get(preset)
    if told is not None and is_place(told):
        return Path(told).expanduser().absolute()
    if told is None and release is None:
        raise ConfigError(f"preset {preset!r} has no weights of its own: name some, {preset}:PATH")
    name = told or (release.id if release else "")
    fetched = fetched_place(preset, name, release, runtime)
    if fetched.exists() or release is None or name not in _names(release):
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
        raise ConfigError(f"{preset}:{name}: is no id of weights, and no folder that is here")
    return place


def folder_of(
    preset: str,
    release: Release | None,
    runtime: RuntimeSpec,
    patterns: Sequence[str] = HUB_FILES,
) -> Folder:
    """The weights that a preset loads; loads nothing. Of a single file, its folder with it alone.

    Raises MissingWeightsError where they are not here, or not whole; ConfigError where their
    licence forbids commercial use and the run does not allow that (``runtime.noncommercial``).
    """
    path = place_of_weights(preset, release, runtime)
    known = release if release and runtime.models.get(preset) in _names(release) else None
    pins = dict(known.sha256) if known else {}
    files: tuple[str, ...] = (path.name,)
    if path.is_file():
        path = path.parent
    else:
        files = _deciding(path, (*patterns, *pins), pins)
    if not files or not _whole(path, files, patterns):
        how = "" if release else f"name what `mmindex encoders train {preset}` made, or a file"
        raise MissingWeightsError(_called(preset, runtime), path, how)
    licence = licence_of(path, known)
    if is_noncommercial(licence) and not runtime.noncommercial:
        raise ConfigError(
            f"{path}: the licence of these weights ({licence}) is not for commercial use; where"
            " that is what you want, --set runtime.noncommercial=true"
        )
    return Folder(path, files, licence, pins)


def _called(preset: str, runtime: RuntimeSpec) -> str:
    """The preset, with the id that stands behind its colon: what can be fetched."""
    told = runtime.models.get(preset)
    return preset if told is None or told.startswith((".", "/", "~")) else f"{preset}:{told}"


def _names(release: Release) -> set[str | None]:
    """How ``runtime.models`` names it: not at all, by its id, or without its library."""
    return {None, release.id, release.id.removeprefix(f"{release.source}/")}


def _deciding(path: Path, patterns: Sequence[str], pins: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the files that decide vectors, with the folder that they lie in, sorted."""
    found = (file for one in patterns for file in path.glob(one) if file.is_file())
    names = {file.relative_to(path).as_posix() for file in found}
    if any(name.endswith(SAFE) for name in names):  # then what needs a pickle is not looked at
        names -= {name for name in pins if not name.endswith(SAFE)}
    return tuple(sorted(names))


def _whole(path: Path, files: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether there are weights beside the configuration, and all parts of those in parts.

    A pickle counts: what opens it says why it may not be opened.
    """
    if not any(one.endswith(SAFE) for one in patterns):
        return True
    parts = [path / name for name in files if name.endswith(INDEX)]
    for index in parts:
        if not all((path / part).is_file() for part in _parts(index, index.stat().st_mtime_ns)):
            return False
    return any(name.endswith((SAFE, *PICKLES)) for name in files) or any(
        file.suffix in PICKLES for file in path.iterdir()
    )


@cache
def _parts(index: Path, changed: int) -> frozenset[str]:
    """The files that an index of safetensors names."""
    del changed  # another content is another call
    try:
        return frozenset(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{index}: cannot be read ({error!r})") from error
