"""The lake's own queries: chosen by hash once, and asked as long as their contents are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from mmcore.specs import EvaluationSpec, FitSpec
from mmcore.types import Ids
from storage.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class FrozenSet:
    """Direction (``text:zh→image``) → contents that ask, sorted."""

    directions: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, snapshot: Snapshot) -> FrozenSet:
        """What the table ``queries`` of a snapshot says."""
        raise NotImplementedError

    def contents(self, direction: str) -> tuple[str, ...]:
        """Those of one direction; none: ()."""
        return self.directions.get(direction, ())

    def items(self, snapshot: Snapshot) -> Ids:
        """The items that have one of them: nothing is ever fitted on these."""
        raise NotImplementedError


def freeze(
    snapshot: Snapshot, before: pa.Table | None, spec: EvaluationSpec, fit: FitSpec
) -> pa.Table:
    """The rows of ``queries`` (``schemas.QUERIES``): those of ``before`` that live, and new ones.

    By rows alone, without vectors. What a model learned from is left out when it is asked.
    """
    raise NotImplementedError


def fingerprint(fit: FitSpec) -> str:
    """Names the set, whatever has been added to it since."""
    raise NotImplementedError
