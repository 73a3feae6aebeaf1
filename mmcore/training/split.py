"""What is fitted on and what is asked: a split by caption, equal ones on one side."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.media.texts.clean import caption_key
from mmcore.specs import FitSpec
from mmcore.training.rows import Rows
from mmcore.types import Ids
from storage.schemas import content_id

NO_ITEMS: Final[Ids] = np.zeros(0, dtype=np.int64)

_LONGEST: Final = 400  # of a key that is kept as it is; a longer one is hashed


def is_held_out(key: str, share: float) -> bool:
    """Whether the caption key is kept for evaluation: by its hash, the same in every lake."""
    return turn(key) < share * 2**64


def turn(key: str) -> int:
    """When a caption key is held out as the share grows: the smaller, the sooner; 64 bits."""
    head = hashlib.blake2b(f"held-out/{key}".encode(), digest_size=8).digest()
    return int.from_bytes(head, "big")


def caption_keys(texts: Rows) -> tuple[str, ...]:
    """The key of each row's text; the chunks of one long text share that of all its words.

    So a document falls on one side as a whole, does not count as dozens of captions, and equals
    its copy with other line ends. The chunks of a content are taken in the order of the rows. A
    private lake keeps hashes of the keys, and these are given.
    """
    if texts.keys is not None:
        return texts.keys
    chunks: defaultdict[str, dict[int, str]] = defaultdict(dict)
    segments = texts.segment_ids.tolist()
    for content, segment, text in zip(texts.content_ids, segments, texts.texts, strict=True):
        chunks[content].setdefault(segment, text or "")
    keys = {content: key_of(" ".join(found.values())) for content, found in chunks.items()}
    return tuple(keys[content] for content in texts.content_ids)


def key_of(text: str) -> str:
    """The key of one whole text; a long one is hashed."""
    key = caption_key(text)
    return key if len(key) <= _LONGEST else content_id(key.encode())


def held_out(texts: Rows, share: float) -> NDArray[np.bool_]:
    """(n,) which rows of ``texts`` may be queries: those whose own key is held out.

    So is a text of a private lake whose key could not be made: nothing is fitted on it.
    """
    keys, unknown = caption_keys(texts), texts.keys is not None
    known = {key: (unknown and not key) or is_held_out(key, share) for key in set(keys)}
    return np.fromiter((known[key] for key in keys), dtype=np.bool_, count=len(keys))


def fit_rows(texts: Rows, share: float, frozen_items: Ids = NO_ITEMS) -> NDArray[np.bool_]:
    """(n,) which rows of ``texts`` may be fitted on: no caption of their item is held out.

    Nor is their item one of ``frozen_items``, which are asked with whatever share is held out.
    """
    spoiled: Ids = np.union1d(texts.item_ids[held_out(texts, share)], frozen_items)
    return ~np.isin(texts.item_ids, spoiled)


def enough_texts(texts: Rows, spec: FitSpec) -> bool:
    """Whether the means of languages can be fitted on ``texts``: by different captions."""
    return len(set(caption_keys(texts))) >= spec.min_pairs


def hash_of(item: int) -> bytes:
    """What an item comes by in an order that nobody has chosen."""
    return hashlib.blake2b(str(item).encode()).digest()
