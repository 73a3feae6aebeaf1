"""Folders of weights in open_clip's hub layout: which files count, and how they are opened."""

from __future__ import annotations

import json
import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.compute.device import Compute
from mmcore.encoders.families.hub import check_pins, offline
from mmcore.encoders.families.openclip_towers import KNOWN, TOWERS
from mmcore.encoders.weights.convert import only_pickled
from mmcore.encoders.weights.folder import SAFE, TOKENISER, Folder, folder_of
from mmcore.encoders.weights.pinned import load_state
from mmcore.encoders.weights.places import place_of_weights
from mmcore.encoders.weights.releases import Release
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec

CONFIG: Final = "open_clip_config.json"
HUGGING: Final = "config.json"
"""Configuration of a text tower of transformers'."""

WEIGHTS: Final = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "model.safetensors",
)
"""In open_clip's order; the last is often the same model in transformers' layout."""

_PLAIN: Final = re.compile(r"[\w.]+")
PICKLED: Final = "open_clip_pytorch_model.bin"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One model of open_clip: ``folder.files`` are those that decide vectors."""

    folder: Folder
    weights: str
    config: dict[str, Any]

    @property
    def model(self) -> dict[str, Any]:
        """The architecture."""
        return self.part("model_cfg")

    @property
    def text(self) -> dict[str, Any]:
        """The text tower, without what is null."""
        return {key: value for key, value in self.model["text_cfg"].items() if value is not None}

    @property
    def vision(self) -> dict[str, Any]:
        """The tower of pictures, without what is null."""
        found = self.model["vision_cfg"]
        return {key: value for key, value in found.items() if value is not None}

    def part(self, name: str) -> dict[str, Any]:
        """A part of the configuration; empty where it is missing."""
        return dict(self.config.get(name) or {})

    def refused(self, name: str, value: object, why: str = "is not supported") -> ConfigError:
        """An error about a field of the configuration."""
        return ConfigError(f"{self.folder.path / CONFIG}: {name} is {value!r}, which {why}")


def checkpoint_of(preset: str, release: Release | None, runtime: RuntimeSpec) -> Checkpoint:
    """What a preset loads: a folder, or the one file of safetensors that is named in it.

    Raises MissingWeightsError, UnsafeWeightsError where there is a pickle only, ConfigError.
    """
    named = place_of_weights(preset, release, runtime)
    told = named.name if named.is_file() else None
    if told is not None:
        models = {**runtime.models, preset: str(named.parent)}
        runtime = runtime.model_copy(update={"models": models})
    folder = folder_of(
        preset, release, runtime, (CONFIG, f"*{SAFE}", PICKLED, *TOKENISER, HUGGING)
    )
    weights = _weights(preset, folder, told)
    config = folder.json(CONFIG)
    found = Checkpoint(folder, weights, config)
    _check_architecture(found)
    patterns = (CONFIG, weights, *(TOKENISER if "hf_tokenizer_name" in found.text else ()))
    if "hf_model_name" in found.text:
        patterns = (*patterns, HUGGING)
    files = tuple(name for name in folder.files if any(fnmatch(name, one) for one in patterns))
    return Checkpoint(Folder(folder.path, files, folder.licence, folder.pins), weights, config)


def _weights(preset: str, folder: Folder, told: str | None) -> str:
    """The name of the file that is loaded."""
    if told is not None and not told.endswith(SAFE):
        raise UnsafeWeightsError(folder.path / told, f"only {SAFE} may be named, or a folder")
    if told is not None:
        return told
    safe = [name for name in folder.files if name.endswith(SAFE)]
    usual = [name for name in WEIGHTS if name in safe] or safe
    if usual and (usual[0] in WEIGHTS or len(usual) == 1):
        return usual[0]
    if usual:
        raise ConfigError(f"{folder.path}: holds {', '.join(safe)}: name one, {preset}:PATH")
    if PICKLED in folder.pins and PICKLED in folder.files:
        return PICKLED
    if PICKLED in folder.files:
        raise only_pickled(folder.path, WEIGHTS[0])
    raise MissingWeightsError(preset, folder.path)


def _check_architecture(found: Checkpoint) -> None:
    """ConfigError where the configuration is none of open_clip's, or lacks what it names."""
    path = found.folder.path
    parts = [found.config.get("model_cfg")]
    parts += [found.model.get(name) for name in ("vision_cfg", "text_cfg")]
    if not all(isinstance(part, dict) for part in parts):
        raise ConfigError(f"{path / CONFIG}: model_cfg has no vision_cfg and text_cfg")
    if named := found.text.get("hf_tokenizer_name"):
        found.folder.check_vocabulary(repr(named))
    timm = found.vision.get("timm_model_name")
    if timm is not None and not _PLAIN.fullmatch(str(timm)):
        why = "is no name of an architecture of timm's: other places are not asked"
        raise found.refused("vision_cfg.timm_model_name", timm, why)
    if "hf_model_name" in found.text:
        text_tower(found)


def text_tower(found: Checkpoint) -> dict[str, Any]:
    """The configuration of a text tower of transformers', without what would run code."""
    name, path = str(found.text["hf_model_name"]), found.folder.path / HUGGING
    told = found.folder.json(HUGGING) if path.is_file() else {}
    if told.get("model_type") in TOWERS:
        kept = {key: value for key, value in told.items() if key not in ("auto_map", "dtype")}
        kept.pop("torch_dtype", None)
        return kept
    known = KNOWN.get(name.rpartition("/")[2])
    if known is None:
        raise found.refused("text_cfg.hf_model_name", name, f"needs that model's {HUGGING} there")
    return dict(known)


@contextmanager
def staged(found: Checkpoint) -> Iterator[str]:
    """open_clip's name of a folder that has these files, and no other, for a while.

    open_clip loads the first file of weights that it knows, pickles among them, and asks the hub
    for the configuration of a text tower of transformers'. Here it finds both.
    """
    check_pins(found.folder)
    with tempfile.TemporaryDirectory(prefix="mmindex-open-clip-") as place:
        here = Path(place)
        model = found.model
        if "hf_model_name" in found.text:
            (here / HUGGING).write_text(json.dumps(text_tower(found)), "utf-8")
            model["text_cfg"] = {**found.text, "hf_model_name": place}
        (here / CONFIG).write_text(json.dumps({**found.config, "model_cfg": model}), "utf-8")
        for name in found.folder.files:
            if name != found.weights and not (here / name).exists():
                (here / name).symlink_to(found.folder.path / name)
        _stage_weights(found, here / WEIGHTS[0])
        yield f"local-dir:{place}"


def _stage_weights(found: Checkpoint, place: Path) -> None:
    path = found.folder.path / found.weights
    if path.name.endswith(SAFE):
        place.symlink_to(path)
        return
    from safetensors.torch import save_file  # noqa: PLC0415 - making an encoder loads no torch

    state = load_state(path, found.folder.pins[found.weights])
    save_file({name: value.clone().contiguous() for name, value in state.items()}, place)


def read_clip(found: Checkpoint, place: str, compute: Compute) -> Any:
    """The model of open_clip in a staged folder, for inference, on its device.

    bfloat16 is of the whole model (``pure_bf16``): text towers of transformers' take no other.
    ConfigError where open_clip cannot make the model of these weights.
    """
    import open_clip  # noqa: PLC0415 - making an encoder loads no torch
    import torch  # noqa: PLC0415 - see above

    precision = "pure_bf16" if compute.dtype == "bfloat16" else "fp32"
    try:
        with offline(), quiet():
            model = open_clip.create_model(
                place, precision=precision, device=compute.device, require_pretrained=True
            )
    except torch.OutOfMemoryError:
        raise
    except (AssertionError, KeyError, RuntimeError, TypeError, ValueError) as error:
        why = " ".join(str(error).split())[:300]
        path = found.folder.path / found.weights
        raise ConfigError(f"{path}: open_clip cannot load it ({why})") from error
    return model.eval().requires_grad_(False)


@contextmanager
def quiet() -> Iterator[None]:
    """Without open_clip's account of where it looks, which it gives to the root logger.

    A first message there would also leave a handler behind, unless one is in place.
    """
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addFilter(_is_ours)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.removeFilter(_is_ours)


def _is_ours(record: logging.LogRecord) -> bool:
    return "open_clip" not in record.pathname or record.levelno >= logging.ERROR
