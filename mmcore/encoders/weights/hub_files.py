"""Which files of a hub's repository are fetched: weights without pickles, and what decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from mmcore.encoders.weights.folder import HUB_FILES, INDEX, MODEL, PICKLES, SAFE
from mmcore.errors import UnsafeWeightsError

BESIDE: Final = ("README.md", "LICENSE*", "LICENCE*", "COPYING*", "NOTICE*")
"""What says whose the weights are, and what they may be used for."""

CHECKED: Final = ("1_Pooling/config.json", "modules.json", "config_sentence_transformers.json")
"""What presets compare with what they do."""

CHAT: Final = "chat_template.*"
"""Decides the vectors of chat models; others have no use for it."""

PICKLE: Final = "pytorch_model.bin"


def chosen_files(
    names: Collection[str], pins: Mapping[str, str], where: str, *, trusted: bool = False
) -> list[str]:
    """Of a repository in transformers' layout: its weights, all that decides, licence and README.

    Raises UnsafeWeightsError where there are only pickles, none of them pinned or ``trusted``.
    """
    patterns = [one for one in HUB_FILES if SAFE not in one]
    facts = matching(names, (*patterns, *BESIDE, *CHECKED, CHAT))
    found = _weights(names, pins)
    if not found and trusted and PICKLE in names:
        found = [PICKLE]
    if not found:
        raise UnsafeWeightsError(where, no_safetensors(names))
    return sorted({*facts, *found})


def matching(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """The names that a pattern fits, which is of files of the top folder unless it has a slash."""
    told = tuple(patterns)
    return [
        name
        for name in names
        if not name.endswith(".py")
        and any(name.count("/") == one.count("/") and fnmatchcase(name, one) for one in told)
    ]


def _weights(names: Collection[str], pins: Mapping[str, str]) -> list[str]:
    """``model.safetensors``, else its parts, else what is pinned."""
    if MODEL in names:
        return [MODEL]
    parts = matching(names, ("model-*" + SAFE, INDEX)) if INDEX in names else []
    return parts or [name for name in pins if name in names]


def no_safetensors(names: Iterable[str]) -> str:
    """What a person can do about a repository that has only pickles."""
    pickle = next((name for name in names if name.endswith(PICKLES)), None)
    if pickle is None:
        return f"the repository holds no {MODEL}, whole or in parts"
    return (
        f"it holds no safetensors, and {pickle} is a pickle whose sha256 the preset does not pin."
        " If you trust who made it, --trust-pickle opens it once, without running its code, and"
        " keeps safetensors"
    )
