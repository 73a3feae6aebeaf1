"""What is fitted on and what is asked: a split by caption, equal ones on one side."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from mmcore.media.text import caption_key
from mmcore.training.rows import Rows
from mmcore.types import Ids


def is_held_out(key: str, share: float) -> bool:
    """Whether the caption key is kept for evaluation: by its hash, the same in every lake."""
    head = hashlib.blake2b(f"held-out/{key}".encode(), digest_size=8).digest()
    return int.from_bytes(head, "big") < share * 2**64


def caption_keys(texts: Rows) -> tuple[str, ...]:
    """The key of each row's text; the chunks of one long text share its content id as theirs.

    So a document falls on one side as a whole, and does not count as dozens of captions.
    """
    segments: defaultdict[str, set[int]] = defaultdict(set)
    for content, segment in zip(texts.content_ids, texts.segment_ids.tolist(), strict=True):
        segments[content].add(segment)
    return tuple(
        content if len(segments[content]) > 1 else caption_key(text or "")
        for content, text in zip(texts.content_ids, texts.texts, strict=True)
    )


def held_out(texts: Rows, share: float) -> NDArray[np.bool_]:
    """(n,) which rows of ``texts`` may be queries: those whose own key is held out."""
    keys = caption_keys(texts)
    known = {key: is_held_out(key, share) for key in set(keys)}
    return np.fromiter((known[key] for key in keys), dtype=np.bool_, count=len(keys))


def fit_rows(texts: Rows, share: float) -> NDArray[np.bool_]:
    """(n,) which rows of ``texts`` may be fitted on: no caption of their item is held out."""
    spoiled: Ids = np.unique(texts.item_ids[held_out(texts, share)])
    return ~np.isin(texts.item_ids, spoiled)


def fit_items(texts: Rows, share: float) -> Ids:
    """Sorted ids of the items that may be fitted on; an item without a text is not among them."""
    return np.unique(texts.item_ids[fit_rows(texts, share)])
