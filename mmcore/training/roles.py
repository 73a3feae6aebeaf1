"""Which part each encoder of a lake plays in a projection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmcore.encoders.heads import JointHead
from mmcore.encoders.projections import Projection
from mmcore.types import EncoderKey
from storage.schemas import Modality


@dataclass(frozen=True, slots=True)
class Roles:
    """The main text encoder, who shares its space, and whom only a projection can lead there.

    An encoder whose space has another text encoder is none of them: it is asked by that one.
    """

    text: EncoderKey
    partners: tuple[EncoderKey, ...]
    foreign: tuple[EncoderKey, ...]

    @property
    def joint(self) -> bool:
        """Whether the main text encoder's space is a joint one, whose vectors stay as they are."""
        return bool(self.partners)

    def standing(self, projection: Projection | None) -> Projection | None:
        """``projection`` where it leads into the space of exactly these roles, else None."""
        if projection is None or not projection.joins(self.text):
            return None
        kept = isinstance(projection.heads[self.text.name].head, JointHead)
        return projection if kept == self.joint else None


def roles_of(keys: Sequence[EncoderKey]) -> Roles | None:
    """The roles of a lake's encoders; None where no projection is needed, or nothing to join to.

    That is so without a text encoder, and where each space has a text encoder of its own.
    """
    texts = [key for key in keys if key.modality == Modality.TEXT]
    asked = {key.space for key in texts}
    foreign = tuple(key for key in keys if key.space not in asked)
    if not texts or not foreign:
        return None
    text = texts[0]
    others = (key for key in keys if key.modality != Modality.TEXT)
    return Roles(text, tuple(key for key in others if key.space == text.space), foreign)


def stands(keys: Sequence[EncoderKey], projection: Projection) -> bool:
    """Whether ``projection`` is still of use: it joins some of these encoders, that need it."""
    roles = roles_of(keys)
    return roles is not None and roles.standing(projection) is not None
