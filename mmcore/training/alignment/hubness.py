"""Query-bank correction of hubs: how its two coordinates are set from fitted pairs.

QB-Norm (Bogolin et al., CVPR 2022) re-ranks at search, with a bank of training queries. What it
takes from each vector of the gallery is a number, so the number can be a coordinate: nothing
changes at search or in an index (see ``HubHead``). The bank is of what was fitted on, and stands
in the projection's files: captions, and contents where they are when they are not fitted on, each
in the middle between it and its nearest, so that no row of a bank is anybody's vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from mmcore.encoders.features import Features, directions
from mmcore.encoders.heads import LANGUAGES, Head
from mmcore.encoders.learned import HubHead, hubness
from mmcore.training.alignment.parts import Part, Placed

HEIGHT: Final = 0.25  # of a vector's length: what is added to scores between texts is its square
MOST_BANK: Final = 1000  # vectors of each bank
MEDIA: Final = (0.0, 0.2)  # of its hubness, taken from a medium's scores
TEXTS: Final = (0.35, 0.7, 1.0)  # the same of a text's
FIRST: Final = {"lake": (0.0, 0.7), "new": (0.2, 0.7)}  # of media and of texts, by gallery


@dataclass(frozen=True, slots=True, eq=False)
class Banks:
    """Fitted captions, and fitted contents by side, in the space without the coordinates."""

    said: Features  # (m, d)
    contents: Mapping[str, Features]


def banks_of(placed: Placed) -> Banks:
    """Evenly chosen rows of what was fitted on."""
    said = np.concatenate([_there(placed.said[name]) for name in LANGUAGES])
    contents = {n: _middles(_some(_there(of))) for n, of in placed.contents.items() if len(of)}
    return Banks(_middles(_some(said)), contents)


def without_hubs(part: Part, banks: Banks, media_share: float, text_share: float) -> Part:
    """``part`` with the two coordinates on all its heads; a side without pairs has no tilt."""
    every = _some(np.concatenate(list(banks.contents.values()))).astype(np.float32)
    said = banks.said.astype(np.float32)
    media: dict[str, Head] = {}
    for name, head in part.media.items():
        media[name] = HubHead(head, "media", HEIGHT)
        if name in banks.contents:
            level = float(hubness(banks.contents[name], said).mean())
            media[name] = HubHead(head, "media", HEIGHT, said, level, media_share)
    level = float(hubness(said, every).mean())
    return Part(HubHead(part.text, "text", HEIGHT, every, level, text_share), media)


def _there(rows: Features) -> Features:
    return np.asarray(rows[np.any(rows != 0, axis=1)])


def _middles(rows: Features) -> Features:
    """(n, d) unit rows → the directions between each and its nearest other."""
    if len(rows) < 2:  # noqa: PLR2004 - there is no other
        return rows
    alike = rows @ rows.T
    np.fill_diagonal(alike, -np.inf)
    return directions(rows + rows[alike.argmax(axis=1)])


def _some(rows: Features) -> Features:
    """At most MOST_BANK rows, evenly spaced."""
    if len(rows) <= MOST_BANK:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, MOST_BANK).astype(int)])
