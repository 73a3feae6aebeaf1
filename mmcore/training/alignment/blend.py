"""Several ways side by side: their vectors scaled and concatenated, so that cosines are weighed.

Texts have one vector for all media, so they have every part. A medium has the closed form's part
and its own canonical one; the others are zero. With text weights a and a medium's weights p its
score is Σ √(a p) · cosine, so p is chosen to give each medium the shares it is to have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from mmcore.encoders.heads import Head
from mmcore.encoders.learned import BlendHead
from mmcore.training.alignment.parts import Part

_LEAST: Final = 0.1  # of the texts' weight that the closed form keeps: somebody may have no other


def side_by_side(
    base: Part, further: Mapping[str, tuple[Part, float]], dims: Sequence[int], sides: int
) -> Part:
    """``base`` and, by side, a further part with its share of the cosine.

    ``dims`` are those of the base and of the further parts, in order; ``sides`` is how many media
    there are to be searched.
    """
    shares = [share / max(1, sides) for _, share in further.values()]
    first = max(1 - sum(shares), _LEAST)
    asked = np.array([first, *shares])
    asked /= asked.sum()
    texts: tuple[Head, ...] = (base.text, *(part.text for part, _ in further.values()))
    text = BlendHead(texts, tuple(asked.tolist()), tuple(dims))
    media: dict[str, Head] = {}
    for name, head in base.media.items():
        parts: list[Head | None] = [head, *(None for _ in further)]
        wanted = np.zeros(len(asked))
        wanted[0] = 1.0
        if name in further:
            part, share = further[name]
            place = 1 + list(further).index(name)
            parts[place] = part.media[name]
            wanted[0], wanted[place] = 1 - share, share
        weights = wanted**2 / asked
        media[name] = BlendHead(
            tuple(parts), tuple((weights / weights.sum()).tolist()), tuple(dims)
        )
    return Part(text, media)
