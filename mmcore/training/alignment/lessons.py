"""What networks are taught: pairs as the closed form places what it was not fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmcore.encoders.heads import LANGUAGES
from mmcore.training.alignment.networks import Lesson

if TYPE_CHECKING:
    from mmcore.training.alignment.closed import Form
    from mmcore.training.alignment.workshop import Workshop


def lessons_of(shop: Workshop, form: Form) -> dict[str, Lesson]:
    """By side: each pair once for each language that its item has a caption in."""
    keys, unseen = shop.world.keys, shop.unseen(form)
    place = {item: row for row, item in enumerate(keys)}
    _, number = np.unique(list(keys.values()), return_inverse=True)
    lessons = {}
    for side in shop.sides:
        items = np.array([place[item] for item in side.item_ids.tolist()])
        seen = shop.read(side, unseen.contents[side.name], form)
        rows, said = [], []
        for language in LANGUAGES:
            found = unseen.said[language][items]
            has = np.any(found != 0, axis=1) & np.any(unseen.contents[side.name] != 0, axis=1)
            rows.append(np.flatnonzero(has))
            said.append(found[has])
        every = np.concatenate(rows)
        lessons[side.name] = Lesson(np.concatenate(said), seen[every], number[items[every]])
    return lessons
