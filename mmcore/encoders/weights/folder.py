"""A folder of weights on this machine: which of its files decide vectors, and their digest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.weights.cards import CARD as CARD  # noqa: PLC0414 - for others
from mmcore.encoders.weights.hashes import sha256_of
from mmcore.encoders.weights.licences import licence_of
from mmcore.encoders.weights.places import missing, names_of, place_of_weights
from mmcore.encoders.weights.releases import Release, is_noncommercial
from mmcore.errors import ConfigError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec
from storage.schemas import digest

SAFE: Final = ".safetensors"

MODEL: Final = "model.safetensors"
"""What transformers loads first."""

INDEX: Final = "model.safetensors.index.json"
"""Names the files that a large model is cut into; it counts where there is no ``MODEL``."""

PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt")  # are opened only where they are pinned

VOCABULARY: Final = ("tokenizer.json", "vocab.*", "*.model")
"""What tokenisers have their vocabulary in: one of them at least."""

TOKENISER: Final = (
    *VOCABULARY,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
)

HUB_FILES: Final = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer*.json",
    *TOKENISER,
    MODEL,
    INDEX,
)
"""What decides the vectors of a model in transformers' layout; of weights, what is loaded."""


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
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigError(f"{self.path / name}: cannot be read ({error})") from error
        if not isinstance(found, dict):
            raise ConfigError(f"{self.path / name}: is not a JSON object")
        return found

    def check_vocabulary(self, whose: str = "the model") -> None:
        """ConfigError where a tokeniser would have no vocabulary: libraries make up an empty one.

        ``whose``: what the missing files are to be of.
        """
        if not any(fnmatchcase(name, one) for name in self.files for one in VOCABULARY):
            raise ConfigError(
                f"{self.path}: holds no tokenizer.json, nor another file of a vocabulary"
                f" ({', '.join(VOCABULARY[1:])}); put the tokeniser's files of {whose} there"
            )


@cache
def _digest_of(path: Path, files: tuple[str, ...], stamps: tuple[tuple[int, ...], ...]) -> str:
    del stamps  # another content is another call
    return digest({name: sha256_of(path / name) for name in files})


def _stamps(path: Path, files: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """What changes with a file; a link is followed."""
    stats = [(path / name).stat() for name in files]
    return tuple((stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) for stat in stats)


def folder_of(
    preset: str,
    release: Release | None,
    runtime: RuntimeSpec,
    patterns: Sequence[str] = HUB_FILES,
) -> Folder:
    """The weights that a preset loads; loads nothing. Of a single file, its folder with it alone.

    Raises MissingWeightsError where they are not here, or not whole; UnsafeWeightsError for an
    index that names files elsewhere; ConfigError where their licence forbids commercial use and
    the run does not allow that (``runtime.noncommercial``).
    """
    path = place_of_weights(preset, release, runtime)
    known = release if release and runtime.models.get(preset) in names_of(release) else None
    pins = dict(known.sha256) if known else {}
    files: tuple[str, ...] = (path.name,)
    whole = path.is_file()
    if whole:
        path = path.parent
    else:
        files, whole = _deciding(path, patterns, pins)
    if not whole:
        _check_name(path, patterns)
        raise missing(preset, path, runtime, trained=release is None)
    licence = licence_of(path, known)
    if is_noncommercial(licence) and not runtime.noncommercial:
        raise ConfigError(
            f"{path}: the licence of these weights ({licence}) is not for commercial use; where"
            " that is what you want, --set runtime.noncommercial=true"
        )
    return Folder(path, files, licence, pins)


def _deciding(
    path: Path, patterns: Sequence[str], pins: Mapping[str, str]
) -> tuple[tuple[str, ...], bool]:
    """Names of the files that decide vectors, sorted; and whether weights are among them, whole.

    A pickle counts as weights: what opens it says why it may not be opened.
    """
    found = (file for one in (*patterns, *pins) for file in path.glob(one) if file.is_file())
    names = {file.relative_to(path).as_posix() for file in found}
    if MODEL in names:
        names.discard(INDEX)
    elif INDEX in names:
        parts = _parts(path / INDEX, (path / INDEX).stat().st_mtime_ns)
        if not all((path / part).is_file() for part in parts):
            return tuple(sorted(names)), False
        names |= parts
    if any(name.endswith(SAFE) for name in names):  # then what needs a pickle is not looked at
        names = {name for name in names if not name.endswith(PICKLES)}
        return tuple(sorted(names)), True
    asked = any(one.endswith(SAFE) for one in patterns)
    held = not asked or (path.is_dir() and any(one.suffix in PICKLES for one in path.iterdir()))
    return tuple(sorted(names)), bool(names) and held


def _check_name(path: Path, patterns: Sequence[str]) -> None:
    """ConfigError where there are safetensors, but under a name that is not loaded."""
    found = next(iter(sorted(path.glob(f"*{SAFE}"))), None) if MODEL in patterns else None
    if found is not None and not (path / INDEX).is_file():
        raise ConfigError(f"{found}: is not loaded under this name: call it {MODEL}")


@cache
def _parts(index: Path, changed: int) -> frozenset[str]:
    """The files that an index of safetensors names, which lie beside it."""
    del changed  # another content is another call
    try:
        names = frozenset(json.loads(index.read_text("utf-8"))["weight_map"].values())
        for name in names:
            if not name.endswith(SAFE) or "/" in name or "\\" in name:
                raise UnsafeWeightsError(index, f"it names {name!r}, no {SAFE} beside it")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{index}: cannot be read ({error!r})") from error
    return names
