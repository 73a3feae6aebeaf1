"""Where a head is to lead that is fitted after its lake's texts were moved by training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mmcore.encoders.heads import Head, JointHead, MediaHead, TextHead
from mmcore.encoders.learned import BlendHead, HubHead, MovedHead, ResidualHead


@dataclass(frozen=True, slots=True)
class Landing:
    """A medium is fitted to the captions of ``captions``; ``wrap`` leads on from there."""

    captions: TextHead | JointHead
    wrap: Callable[[MediaHead], Head]


def landing_of(text: Head) -> Landing:
    """How a head that is fitted now reaches the texts that ``text`` gives.

    Training may have moved texts in steps. A head of media is fitted to the captions below them
    all, and takes the steps that both sides take: the turn, and its place in a blend. What
    training learned of other encoders, their networks and canonical directions, it has no part in.
    Raises TypeError for a head that no text has.
    """
    if isinstance(text, TextHead | JointHead):
        return Landing(text, lambda head: head)
    if isinstance(text, MovedHead):
        turn = text.turn
        return _further(text.base, lambda head: replace(head, whitening=turn))
    if isinstance(text, ResidualHead):
        return landing_of(text.base)
    if isinstance(text, BlendHead) and text.parts[0] is not None:
        blend = text
        below = landing_of(text.parts[0])
        return Landing(below.captions, lambda head: _first_of(blend, below.wrap(head)))
    if isinstance(text, HubHead):
        below = landing_of(text.base)
        return Landing(below.captions, lambda head: HubHead(below.wrap(head), "media", 0.0))
    raise TypeError(f"a {type(text).__name__} leads no texts")


def _further(base: Head, step: Callable[[MediaHead], MediaHead]) -> Landing:
    below = landing_of(base)
    return Landing(below.captions, step)


def _first_of(blend: BlendHead, head: Head) -> BlendHead:
    others = (None,) * (len(blend.parts) - 1)
    return BlendHead((head, *others), (1.0, *(0.0 for _ in others)), blend.dims)
