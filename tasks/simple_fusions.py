"""Fusions without a model, by name: ``mean``, ``weighted,text=2``. Loads no Prefect and no torch.

Nothing of them is stored: a manifest has all that there is to them. What a person calls one is
made of the same, so that it can be listed and promoted like a version of a trained one.
"""

from __future__ import annotations

from typing import Final

from mmcore.errors import ConfigError
from mmcore.fusion.base import fusion_of, fusions
from mmcore.fusion.learned import LEARNED
from mmcore.specs import FusionSpec
from storage import models
from storage.errors import UnknownModelError
from storage.layout import Layout
from storage.schemas import MODALITIES

FUSION: Final = "fusion"
WEIGHTED: Final = "weighted"


def name_of(name: str, version: str | None, weights: dict[str, float]) -> str:
    """What a fusion is called: its model's version, or what it is made of."""
    if version is not None:
        return version
    if name != WEIGHTED:
        return name
    given = weights or {MODALITIES[0]: 1.0}
    told = (f"{m}={_short(given[m])}" for m in MODALITIES if m in given)
    return ",".join((name, *told))


def _short(weight: float) -> str:
    """All digits, and no more: it is read again."""
    return repr(float(weight)).removesuffix(".0")


def simple(name: str) -> FusionSpec | None:
    """The fusion that is called ``mean`` or ``weighted,text=2``; None where it is no such name.

    ConfigError where its weights cannot be.
    """
    kind, *weights = name.split(",")
    if kind in LEARNED or kind not in fusions.names():
        return None
    if kind == WEIGHTED and not weights:
        raise ConfigError(
            f"{FUSION}/{WEIGHTED} has no weights: write them, as {FUSION}/{WEIGHTED},text=2"
            " (`mmindex models list` has those that served)"
        )
    spec = FusionSpec(name=kind, weights=dict(_weight(name, part) for part in weights))
    fusion_of(spec)
    return spec


def _weight(name: str, part: str) -> tuple[str, float]:
    modality, _, value = part.partition("=")
    try:
        return modality, float(value)
    except ValueError:
        raise ConfigError(f"{FUSION}/{name}: {part!r} is no weight, as text=2") from None


def check(layout: Layout, model: str) -> None:
    """Raise UnknownModelError unless ``model`` is a stored version or a fusion without a model."""
    kind, _, name = model.partition("/")
    if kind == FUSION and simple(name) is not None:
        return
    known = models.every(layout)
    if model not in known:
        names = (name for name in fusions.names() if name not in LEARNED)
        raise UnknownModelError(layout.root, model, [*known, *(f"{FUSION}/{n}" for n in names)])
