"""Projections ↔ safetensors and JSON: what the files of a version hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from mmcore.encoders.heads import Head
from mmcore.encoders.packing_kinds import Tensors, packed, since, under, unpacked
from mmcore.errors import ConfigError
from storage.schemas import is_record, record_name

FORMATS: Final = (2, 3)  # 3: heads that training made; a file has the oldest that can tell it
TENSORS, CARD = "projection.safetensors", "card.md"


def files(tensors: Tensors, config: Mapping[str, Any], card: str) -> dict[str, bytes]:
    """What a version of a projection consists of; ``config`` has the bodies that ``pack`` made."""
    told = {"format": max((since(body) for body in config["bodies"]), default=2), **config}
    record = json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True).encode()
    return {TENSORS: save(tensors), record_name(record): record, CARD: card.encode()}


def record_of(files: Mapping[str, bytes]) -> bytes:
    """The one record among ``files``; ConfigError where there is none, or another one."""
    names = [name for name in files if is_record(name)]
    if len(names) != 1:
        raise ConfigError(
            f"a projection with {len(names)} records where one is expected:"
            " `mmindex snapshots verify` looks for damage"
        )
    return files[names[0]]


def read(files: Mapping[str, bytes]) -> tuple[Tensors, dict[str, Any]]:
    """The tensors and the configuration; ConfigError for a format that is not ours."""
    config: dict[str, Any] = json.loads(record_of(files))
    if config.get("format") not in FORMATS:
        known = " and ".join(map(str, FORMATS))
        raise ConfigError(
            f"a projection of format {config.get('format')}, and this mmindex knows {known}:"
            " use the mmindex that made the lake, or index into a new lake"
        )
    return load(files[TENSORS]), config


def pack(heads: Mapping[str, Head]) -> tuple[Tensors, dict[str, Any]]:
    """Tensors and configuration of ``heads``; one that several encoders share is kept once."""
    tensors: Tensors = {}
    bodies: list[dict[str, Any]] = []
    known: dict[int, int] = {}
    for head in heads.values():
        if id(head) not in known:
            known[id(head)] = len(bodies)
            found, body = packed(head)
            tensors |= {f"{len(bodies)}.{name}": _plain(t) for name, t in found.items()}
            bodies.append(body)
    return tensors, {"heads": {n: known[id(h)] for n, h in heads.items()}, "bodies": bodies}


def unpack(tensors: Tensors, config: Mapping[str, Any]) -> dict[str, Head]:
    """What ``pack`` was given."""
    bodies = enumerate(config["bodies"])
    heads = [unpacked(under(tensors, str(number)), body) for number, body in bodies]
    return {name: heads[number] for name, number in config["heads"].items()}


def _plain(tensor: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor, dtype=np.float32)
