"""Each kind of head ↔ tensors by name and a body of plain values; a head may hold others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

from numpy.typing import NDArray

from mmcore.encoders.comparison import Comparison
from mmcore.encoders.features import Group, Reading
from mmcore.encoders.heads import Fitted, Head, JointHead, Labels, MediaHead, TextHead
from mmcore.encoders.learned import (
    BlendHead,
    HubHead,
    Mlp,
    MovedHead,
    Regression,
    ResidualHead,
)
from mmcore.errors import ConfigError

Tensors = dict[str, NDArray[Any]]
Body = Mapping[str, Any]
Packed = tuple[Tensors, dict[str, Any]]


def packed(head: Head) -> Packed:
    """The tensors of ``head`` and what else it is made of; TypeError for one that is not ours."""
    for kind, pack in _PACK.items():
        if isinstance(head, kind):
            return pack(head)
    raise TypeError(f"a {type(head).__name__} cannot be kept in files")


def unpacked(tensors: Tensors, body: Body) -> Head:
    """The head that ``packed`` was given; ConfigError for a kind of a later mmindex."""
    unpack = _UNPACK.get(body["kind"])
    if unpack is None:
        raise ConfigError(
            f"a projection with a head of kind {body['kind']!r}: use a newer mmindex"
        )
    return unpack(tensors, body)


def since(body: Body) -> int:
    """The format that a head of this body came with."""
    return 2 if body["kind"] in ("text", "joint") or _is_plain_media(body) else 3


def under(tensors: Tensors, name: str) -> Tensors:
    """The tensors below ``name``, without it."""
    prefix = f"{name}."
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _below(name: str, tensors: Mapping[str, NDArray[Any]]) -> Tensors:
    return {f"{name}.{key}": tensor for key, tensor in tensors.items()}


def _is_plain_media(body: Body) -> bool:
    return body["kind"] == "media" and "placed_by" not in body


def _pack_text(head: TextHead) -> Packed:
    return _below("mean", head.means), {"kind": "text", "state": head.state}


def _text(tensors: Tensors, body: Body) -> Head:
    return TextHead(body["state"], under(tensors, "mean"))


def _pack_joint(head: JointHead) -> Packed:
    return {}, {"kind": "joint", "state": head.state}


def _joint(_: Tensors, body: Body) -> Head:
    return JointHead(body["state"])


def _pack_media(head: MediaHead) -> Packed:
    found: Tensors = {"whitening": head.whitening}
    body: dict[str, Any] = {"kind": "media", "reading": asdict(head.reading)}
    if head.labels is not None:
        labels = head.labels
        found |= {"weight": labels.weight, "bias": labels.bias, "labels": labels.vectors}
        body |= {} if labels.by == "chances" else {"placed_by": labels.by}
    if head.fitted is not None:
        fitted = head.fitted
        found |= {"support": fitted.support, "coefficients": fitted.coefficients}
        found |= _pack_comparison(fitted.comparison)
        if fitted.mean is not None:
            found |= {"mean": fitted.mean}
        body |= {
            "gamma": fitted.comparison.gamma,
            "ridge": fitted.ridge,
            "label_share": fitted.label_share,
        }
    return found, body


def _media(tensors: Tensors, body: Body) -> Head:
    reading = _reading(body)
    labels = fitted = None
    if "labels" in tensors:
        by = body.get("placed_by", "chances")
        labels = Labels(tensors["weight"], tensors["bias"], tensors["labels"], by)
    if "support" in tensors:
        fitted = Fitted(
            _comparison(reading, tensors, body),
            tensors["support"],
            tensors["coefficients"],
            body["ridge"],
            body["label_share"],
            tensors.get("mean"),
        )
    return MediaHead(reading, tensors["whitening"], labels, fitted)


def _pack_moved(head: MovedHead) -> Packed:
    found, base = packed(head.base)
    found = _below("base", found) | {"turn": head.turn}
    if head.mean is not None:
        found |= {"mean": head.mean}
    for name, move in head.moves.items():
        both = {"anchors": move.anchors, "coefficients": move.coefficients}
        found |= _below(f"moves.{name}", both)
    gammas = {name: move.gamma for name, move in head.moves.items()}
    return found, {"kind": "moved", "base": base, "gammas": gammas}


def _moved(tensors: Tensors, body: Body) -> Head:
    moves = {}
    for name, gamma in body["gammas"].items():
        own = under(tensors, f"moves.{name}")
        moves[name] = Regression(own["anchors"], own["coefficients"], gamma)
    base = unpacked(under(tensors, "base"), body["base"])
    return MovedHead(base, tensors["turn"], tensors.get("mean"), moves)


def _pack_residual(head: ResidualHead) -> Packed:
    found, base = packed(head.base)
    found = _below("base", found)
    for number, network in enumerate(head.networks):
        found |= _below(f"network{number}", network.tensors)
    body: dict[str, Any] = {"kind": "residual", "base": base, "share": head.share}
    body["blocks"] = [network.blocks for network in head.networks]
    if head.comparison is not None and head.reading is not None:
        found |= _pack_comparison(head.comparison)
        body |= {"reading": asdict(head.reading), "gamma": head.comparison.gamma}
    return found, body


def _residual(tensors: Tensors, body: Body) -> Head:
    reading = _reading(body) if "reading" in body else None
    return ResidualHead(
        unpacked(under(tensors, "base"), body["base"]),
        tuple(
            Mlp(under(tensors, f"network{number}"), blocks)
            for number, blocks in enumerate(body["blocks"])
        ),
        body["share"],
        reading,
        None if reading is None else _comparison(reading, tensors, body),
    )


def _pack_blend(head: BlendHead) -> Packed:
    found: Tensors = {}
    bodies: list[dict[str, Any] | None] = []
    for number, part in enumerate(head.parts):
        own, body = packed(part) if part is not None else ({}, None)
        found |= _below(f"part{number}", own)
        bodies.append(body)
    sizes = {"weights": list(head.weights), "dims": list(head.dims)}
    return found, {"kind": "blend", "parts": bodies, **sizes}


def _blend(tensors: Tensors, body: Body) -> Head:
    parts = (
        None if part is None else unpacked(under(tensors, f"part{number}"), part)
        for number, part in enumerate(body["parts"])
    )
    return BlendHead(tuple(parts), tuple(body["weights"]), tuple(body["dims"]))


def _pack_hub(head: HubHead) -> Packed:
    found, base = packed(head.base)
    found = _below("base", found)
    if head.bank is not None:
        found |= {"bank": head.bank}
    numbers = {"height": head.height, "level": head.level, "strength": head.strength}
    return found, {"kind": "hub", "of": head.kind, "base": base} | numbers


def _hub(tensors: Tensors, body: Body) -> Head:
    return HubHead(
        unpacked(under(tensors, "base"), body["base"]),
        body["of"],
        body["height"],
        tensors.get("bank"),
        body["level"],
        body["strength"],
    )


def _pack_comparison(comparison: Comparison) -> Tensors:
    return {
        "centre": comparison.centre,
        "spread": comparison.spread,
        "typical": comparison.typical,
    }


def _comparison(reading: Reading, tensors: Tensors, body: Body) -> Comparison:
    return Comparison(
        reading, tensors["centre"], tensors["spread"], tensors["typical"], body["gamma"]
    )


def _reading(body: Body) -> Reading:
    groups = tuple(Group(**group) for group in body["reading"]["groups"])
    return Reading(groups, body["reading"]["constant"])


_PACK: Final[Mapping[type, Callable[[Any], Packed]]] = MappingProxyType(
    {
        TextHead: _pack_text,
        MediaHead: _pack_media,
        JointHead: _pack_joint,
        MovedHead: _pack_moved,
        ResidualHead: _pack_residual,
        BlendHead: _pack_blend,
        HubHead: _pack_hub,
    }
)
_UNPACK: Final[Mapping[str, Callable[[Tensors, Body], Head]]] = MappingProxyType(
    {
        "text": _text,
        "media": _media,
        "joint": _joint,
        "moved": _moved,
        "residual": _residual,
        "blend": _blend,
        "hub": _hub,
    }
)
