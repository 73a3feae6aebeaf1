"""The record of what a model was fitted on, without what was erased; its weights stay."""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import dataclass

from mmcore.encoders.projections import FittedOn, caption_digests


@dataclass(frozen=True, slots=True)
class Unlearned:
    """A model's record without the erased, and how much of it there was."""

    record: bytes
    contents: int
    captions: int


def without(record: bytes, contents: Set[str], caption_keys: Set[str]) -> Unlearned | None:
    """Take ``contents`` and ``caption_keys`` out of what a model says it was fitted on.

    An older record, which has caption keys in plain words, gets their digests. None where there is
    nothing to change, or the model keeps no such record.
    """
    try:
        told = json.loads(record)
        before = FittedOn.told(told["fitted_on"])
        plain = "caption_keys" in told["fitted_on"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    gone = before.contents & contents, before.captions & caption_digests(caption_keys)
    if not (any(gone) or plain):
        return None
    left = FittedOn(before.contents - gone[0], before.captions - gone[1])
    told["fitted_on"] = left.to_json()
    text = json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True)
    return Unlearned(text.encode(), len(gone[0]), len(gone[1]))
