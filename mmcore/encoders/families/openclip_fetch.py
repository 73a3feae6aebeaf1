"""Fetch models of open_clip: by the architecture and tag of its table, or by a hub's id.

The folder has open_clip's own layout of the hub: ``open_clip_config.json``,
``open_clip_model.safetensors``, and the tokeniser of a text tower that is transformers'.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.families.openclip_files import CONFIG, HUGGING, PICKLED, WEIGHTS
from mmcore.encoders.families.openclip_towers import KNOWN, TOWERS
from mmcore.encoders.weights.arriving import check_files
from mmcore.encoders.weights.folder import SAFE, TOKENISER
from mmcore.encoders.weights.hub_fetch import Choose, Finish, Repository, download, fetch_hub, look
from mmcore.encoders.weights.hub_files import BESIDE, matching, no_safetensors
from mmcore.encoders.weights.wanted import Fetched, Wanted
from mmcore.errors import ConfigError, MissingExtraError, UnsafeWeightsError

MODEL: Final = WEIGHTS[0]
MODELS: Final = WEIGHTS[:2]
"""Not ``model.safetensors``, which is often the same model in transformers' layout."""

_SHAPING: Final = ("mean", "std", "interpolation", "resize_mode")


def fetch_open_clip(wanted: Wanted) -> Fetched:
    """Bring a model into ``wanted.target``; ``id`` is ``ARCHITECTURE/TAG`` or ``OWNER/NAME``.

    Raises what ``fetch_hub`` raises, and UnsafeWeightsError for a model without safetensors.
    """
    listed = _listed(wanted.id)
    if listed is None:
        return fetch_hub(wanted, _choose(wanted, "", told=False), _finish({}))
    arch, entry = listed
    owner, _, rest = str(entry.get("hf_hub", "")).partition("/")
    name, _, file = rest.partition("/")
    if not name:
        raise UnsafeWeightsError(wanted.id, f"{entry.get('url')} is a pickle, on no hub")
    config = {
        "model_cfg": _architecture(arch, entry),
        "preprocess_cfg": {key: entry[key] for key in _SHAPING if key in entry},
    }
    found = replace(wanted, id=f"{owner}/{name}")
    return fetch_hub(found, _choose(wanted, file), _finish(config))


def _listed(name: str) -> tuple[str, dict[str, Any]] | None:
    """Architecture and entry of open_clip's table, by ``ARCHITECTURE/TAG`` or a hub's id.

    None for what it does not know, or has several models of.
    """
    if find_spec("open_clip") is None:
        raise MissingExtraError("the preset 'clip'", "hub")
    from open_clip import pretrained  # noqa: PLC0415 - loads torch

    arch, _, tag = name.partition("/")
    if found := pretrained.get_pretrained_cfg(arch, tag):
        return arch, found
    pairs = pretrained.list_pretrained()
    every = [(one, pretrained.get_pretrained_cfg(one, of)) for one, of in pairs]
    fits = [pair for pair in every if str(pair[1].get("hf_hub", "")).rstrip("/") == name]
    return fits[0] if len(fits) == 1 else None


def _architecture(arch: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of an architecture, with the activation that the weights want."""
    from open_clip import get_model_config  # noqa: PLC0415 - loads torch

    found = get_model_config(arch)
    if found is None:
        raise ConfigError(f"open_clip has no architecture {arch!r}")
    return {**found, **({"quick_gelu": True} if entry.get("quick_gelu") else {})}


def _choose(wanted: Wanted, file: str, *, told: bool = True) -> Choose:
    """The weights in safetensors, configuration, tokeniser, licence and README.

    ``told``: whether the configuration is known where the repository has none.
    """

    def chosen(found: Repository) -> Sequence[str]:
        if CONFIG not in found.files and not told:
            raise ConfigError(f"{found.url}: has no {CONFIG}, so it is no model of open_clip")
        named = [Path(file).with_suffix(SAFE).name] if file else []
        trusted = [file or PICKLED] if wanted.trusted else []
        names = (*MODELS, *named, *wanted.sha256, *trusted)
        weights = [name for name in names if name in found.files][:1]
        if not weights:
            raise UnsafeWeightsError(found.id, no_safetensors(found.files))
        return sorted({*matching(found.files, (CONFIG, HUGGING, *TOKENISER, *BESIDE)), *weights})

    return chosen


def _finish(config: Mapping[str, Any]) -> Finish:
    """Puts in what a repository lacks: the configuration, and the text tower's own files."""

    def put(_: Repository, folder: Path, files: dict[str, str]) -> dict[str, str]:
        for name in [one for one in files if one.endswith(SAFE) and one not in MODELS]:
            (folder / name).rename(folder / MODEL)
            files[MODEL] = files.pop(name)
        if CONFIG not in files:
            (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", "utf-8")
            files[CONFIG] = ""
        told = json.loads((folder / CONFIG).read_text("utf-8"))
        text = told.get("model_cfg", told).get("text_cfg", {})
        return {
            **_tokeniser(text.get("hf_tokenizer_name"), folder, files),
            **_tower(text.get("hf_model_name"), folder, files),
        }

    return put


def _tokeniser(repository: str | None, folder: Path, files: dict[str, str]) -> Mapping[str, str]:
    """The files of a tokeniser, from where the configuration says, if they are not here."""
    if not repository or "tokenizer.json" in files:
        return {}
    found = look(repository)
    return _brought(found, matching(found.files, TOKENISER), folder, files)


def _brought(
    found: Repository, names: Sequence[str], folder: Path, files: dict[str, str]
) -> Mapping[str, str]:
    """Bring files of another repository; which one, at which revision. Hashes are checked."""
    download(found, names, folder)
    files.update({name: found.files[name] for name in names})
    check_files(folder, {name: found.files[name] for name in names}, found.url)
    return {found.id: found.revision}


def _tower(name: str | None, folder: Path, files: dict[str, str]) -> Mapping[str, str]:
    """What kind of model the text tower is, where neither the repository says it, nor we know."""
    if not name or name.rpartition("/")[2] in KNOWN:
        return {}
    if HUGGING in files:
        told = json.loads((folder / HUGGING).read_text("utf-8"))
        if told.get("model_type") in TOWERS:
            return {}
    return _brought(look(name), [HUGGING], folder, files)
