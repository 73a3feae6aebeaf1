"""What a head was fitted on before: after a change of models it is fitted on the same again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import numpy as np

from mmcore.encoders.projections import Projection
from mmcore.training.rows import Rows

FITTED: Final = "fitted"
"""The state of a head that pairs decided."""


def recorded(previous: Projection | None, names: Iterable[str]) -> frozenset[str]:
    """The contents that ``previous`` was fitted on, if a head of the encoders ``names`` was."""
    heads = {} if previous is None else previous.heads
    fitted = any(name in heads and heads[name].head.state == FITTED for name in names)
    return previous.fitted_on.contents if previous is not None and fitted else frozenset()


def rows_of(rows: Rows, contents: Collection[str]) -> Rows:
    """The rows of ``contents``."""
    named = (content in contents for content in rows.content_ids)
    return rows.take(np.fromiter(named, dtype=np.bool_, count=len(rows)))
