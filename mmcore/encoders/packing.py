"""Heads ↔ safetensors and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from mmcore.encoders.comparison import Comparison
from mmcore.encoders.features import Group, Reading
from mmcore.encoders.heads import Fitted, Head, JointHead, Labels, MediaHead, TextHead
from mmcore.errors import ConfigError
from storage.schemas import is_record, record_name

FORMAT: Final = 2
TENSORS, CARD = "projection.safetensors", "card.md"

Tensors = dict[str, NDArray[Any]]


def files(tensors: Tensors, config: Mapping[str, Any], card: str) -> dict[str, bytes]:
    """What a version of a projection consists of."""
    told = {"format": FORMAT, **config}
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
    if config.get("format") != FORMAT:
        raise ConfigError(
            f"a projection of format {config.get('format')}, and this mmindex knows {FORMAT}:"
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
            found, body = _packed(head)
            tensors |= {f"{len(bodies)}.{name}": _plain(t) for name, t in found.items()}
            bodies.append(body)
    return tensors, {"heads": {n: known[id(h)] for n, h in heads.items()}, "bodies": bodies}


def unpack(tensors: Tensors, config: Mapping[str, Any]) -> dict[str, Head]:
    """What ``pack`` was given."""
    heads: list[Head] = []
    for number, body in enumerate(config["bodies"]):
        prefix = f"{number}."
        own = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        heads.append(_KINDS[body["kind"]](own, body))
    return {name: heads[number] for name, number in config["heads"].items()}


def _packed(head: Head) -> tuple[Tensors, dict[str, Any]]:
    if isinstance(head, JointHead):
        return {}, {"kind": "joint", "state": head.state}
    if isinstance(head, TextHead):
        found: Tensors = {f"mean.{language}": mean for language, mean in head.means.items()}
        return found, {"kind": "text", "state": head.state}
    found = {"whitening": head.whitening}
    body: dict[str, Any] = {"kind": "media", "reading": asdict(head.reading)}
    if head.labels is not None:
        labels = head.labels
        found |= {"weight": labels.weight, "bias": labels.bias, "labels": labels.vectors}
    if head.fitted is not None:
        fitted, comparison = head.fitted, head.fitted.comparison
        found |= {
            "support": fitted.support,
            "coefficients": fitted.coefficients,
            "centre": comparison.centre,
            "spread": comparison.spread,
            "typical": comparison.typical,
        }
        if fitted.mean is not None:
            found |= {"mean": fitted.mean}
        body |= {
            "gamma": comparison.gamma,
            "ridge": fitted.ridge,
            "label_share": fitted.label_share,
        }
    return found, body


def _text(tensors: Tensors, body: Mapping[str, Any]) -> TextHead:
    return TextHead(body["state"], {n.removeprefix("mean."): t for n, t in tensors.items()})


def _media(tensors: Tensors, body: Mapping[str, Any]) -> MediaHead:
    groups = tuple(Group(**group) for group in body["reading"]["groups"])
    reading = Reading(groups, body["reading"]["constant"])
    labels = fitted = None
    if "labels" in tensors:
        labels = Labels(tensors["weight"], tensors["bias"], tensors["labels"])
    if "support" in tensors:
        comparison = Comparison(
            reading, tensors["centre"], tensors["spread"], tensors["typical"], body["gamma"]
        )
        fitted = Fitted(
            comparison,
            tensors["support"],
            tensors["coefficients"],
            body["ridge"],
            body["label_share"],
            tensors.get("mean"),
        )
    return MediaHead(reading, tensors["whitening"], labels, fitted)


def _joint(_: Tensors, body: Mapping[str, Any]) -> JointHead:
    return JointHead(body["state"])


_KINDS: Final[Mapping[str, Callable[[Tensors, Mapping[str, Any]], Head]]] = MappingProxyType(
    {"text": _text, "media": _media, "joint": _joint}
)


def _plain(tensor: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor, dtype=np.float32)
