"""The record of what a model was fitted on, without what was erased; its weights stay."""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import dataclass

from mmcore.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Unlearned:
    """A model's ``config.json`` without the erased, and how much of it there was."""

    config: bytes  # as long as before: spaces stand at its end
    contents: int
    captions: int


def without(config: bytes, contents: Set[str], caption_keys: Set[str]) -> Unlearned | None:
    """Take ``contents`` and ``caption_keys`` out of what a model says it was fitted on.

    None where it names none of them, or keeps no such record. The file keeps its length, so that
    a snapshot that names it can be opened before its manifest says the new checksum.
    """
    try:
        told = json.loads(config)
        seen = told["fitted_on"]
        named = {name: seen[name] for name in ("contents", "caption_keys")}
    except (ValueError, KeyError, TypeError):
        return None
    gone = contents & set(named["contents"]), caption_keys & set(named["caption_keys"])
    if not any(gone):
        return None
    left = {
        "contents": [one for one in named["contents"] if one not in contents],
        "caption_keys": [one for one in named["caption_keys"] if one not in caption_keys],
    }
    text = json.dumps(
        {**told, "fitted_on": {**seen, **left}}, ensure_ascii=False, indent=1, sort_keys=True
    ).encode()
    if len(text) > len(config):
        raise ConfigError("a model's config.json was not written by this mmindex: fit it anew")
    return Unlearned(text.ljust(len(config)), len(gone[0]), len(gone[1]))
