"""Fit a projection on a lake's own pairs: each head once, in the run that first can."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mmcore.encoders.base import Encoder, encoders
from mmcore.encoders.features import Features, reading_of
from mmcore.encoders.heads import Head, JointHead, MediaHead, TextHead
from mmcore.encoders.projections import FittedOn, Joined, Projection, caption_digests
from mmcore.specs import FitSpec, RuntimeSpec, SegmentationSpec
from mmcore.training import fitting
from mmcore.training.landing import landing_of
from mmcore.training.naming import naming_of
from mmcore.training.pairs import Pairs, captions_of, contents_of, enough, pairs_of
from mmcore.training.priors import labels_of, prior_of
from mmcore.training.refits import FITTED, recorded, rows_of
from mmcore.training.roles import Roles, roles_of
from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys, enough_texts, fit_rows
from mmcore.types import EncoderKey

log = logging.getLogger(__name__)

Make = Callable[[EncoderKey], Encoder]


def registered(key: EncoderKey) -> Encoder:
    """The encoder of that name; how it cuts contents plays no part here."""
    return encoders.get(key.name)(SegmentationSpec(), RuntimeSpec())


def unfitted(keys: Sequence[EncoderKey], previous: Projection | None) -> tuple[EncoderKey, ...]:
    """The encoders whose head another call may change: all but those that are fitted already.

    Only encoders whose space has no text encoder are led into the main text encoder's; where each
    has one, or there is no text encoder, nothing is fitted. A joint space is not changed by whom
    it is joined with: its own encoders are never fitted. Reads nothing.
    """
    roles = roles_of(keys)
    if roles is None:
        return ()
    mine = [key for key in keys if key in roles.foreign or (key == roles.text and not roles.joint)]
    standing = roles.standing(previous)
    if standing is None:
        return tuple(mine)
    heads = standing.heads
    return tuple(
        key for key in mine if not (standing.joins(key) and heads[key.name].head.state == FITTED)
    )


def _complete(keys: Sequence[EncoderKey], previous: Projection | None) -> bool:
    """Whether ``previous`` has all heads that there can be, as they will stay."""
    roles = roles_of(keys)
    if roles is None:
        return True
    standing = roles.standing(previous)
    partners = standing is not None and all(map(standing.joins, roles.partners))
    return partners and not unfitted(keys, previous)


def fit_projection(
    texts: Rows,
    media: Mapping[str, Rows],
    keys: Sequence[EncoderKey],
    spec: FitSpec,
    previous: Projection | None,
    *,
    make: Make = registered,
) -> Projection | None:
    """The next version of ``previous``, or None when there is nothing new to fit.

    ``texts`` are all texts of the lake, ``media`` the rows of the other ``unfitted`` encoders by
    name, in their own spaces; held-out captions and their items are left out here. A head is
    fitted by the first call with ``min_pairs`` pairs (texts: different captions) and then stays,
    as long as its encoder's fingerprint and the text encoder's do. When one of them changes, it is
    fitted on the contents of then again, if enough of them are left. Before the first fit, an
    encoder with a classifier has a head made of class names, others have none. Encoders of one
    space share a head. Those that share the main text encoder's keep their vectors, as it does
    then, and are joined as soon as one of another space is. Encoders whose space has a text
    encoder of its own have no head, and where nobody else is left there is no projection.
    """
    roles = roles_of(keys)
    if roles is None or _complete(keys, previous):
        return None
    kept: dict[str, Head] = {}
    if (standing := roles.standing(previous)) is not None:
        mine = (roles.text, *roles.partners, *roles.foreign)
        kept = {key.name: standing.heads[key.name].head for key in mine if standing.joins(key)}
    fit = _Fit(texts.take(fit_rows(texts, spec.held_out)), media, spec, make, roles, previous)
    heads = fit.heads(kept)
    if roles.joint and not any(key.name in heads for key in roles.foreign):
        return None  # nobody is joined yet
    before = previous.heads if previous is not None else {}
    if previous is not None and heads == kept == {n: j.head for n, j in before.items()}:
        return None  # heads are compared by identity
    fingerprints = {key.name: key.fingerprint for key in keys}
    old = previous if any(head.state == FITTED for head in kept.values()) else None
    return Projection(
        target=roles.text.space,
        version=f"p{1 if previous is None else int(previous.version[1:]) + 1}",
        dim=_dim(roles, standing, heads),
        heads={name: Joined(fingerprints[name], head) for name, head in heads.items()},
        fitted_on=fit.seen(FittedOn() if old is None else old.fitted_on),
        training={} if old is None else old.training,
    )


def _dim(roles: Roles, standing: Projection | None, heads: Mapping[str, Head]) -> int:
    """The dimension of the shared space: training may have made it wider than its texts' own."""
    name = roles.text.name
    kept = standing is not None and heads[name] is standing.heads[name].head
    return standing.dim if standing is not None and kept else roles.text.dim


@dataclass(slots=True, eq=False)
class _Fit:
    """One call's work; ``texts`` are those that may be fitted on."""

    texts: Rows
    media: Mapping[str, Rows]
    spec: FitSpec
    make: Make
    roles: Roles
    previous: Projection | None
    contents: set[str] = field(default_factory=set)  # what was fitted on
    items: set[int] = field(default_factory=set)  # whose captions were

    @property
    def text(self) -> EncoderKey:
        """The main text encoder."""
        return self.roles.text

    def heads(self, kept: Mapping[str, Head]) -> dict[str, Head]:
        """A head for the text encoder and each other that can have one; kept ones are the same."""
        head = self._text_head(kept.get(self.text.name))
        landing = landing_of(head)
        joint = (self.text, *self.roles.partners)
        heads: dict[str, Head] = {key.name: head for key in joint}
        spaces: dict[str, list[EncoderKey]] = {}
        for key in self.roles.foreign:
            spaces.setdefault(key.space, []).append(key)
        for keys in spaces.values():
            old = next((kept[key.name] for key in keys if key.name in kept), None)
            found = old
            if old is None or old.state != FITTED:
                made = self._media_head(keys[0], self._pairs(keys, landing.captions))
                found = (
                    old if made is None or (old and made.state != FITTED) else landing.wrap(made)
                )
            heads |= {key.name: found for key in keys} if found is not None else {}
        return heads

    def seen(self, before: FittedOn) -> FittedOn:
        """``before``, and the contents and caption keys that this call has fitted on."""
        contents, keys = set(self.contents), set()
        for row, key in enumerate(caption_keys(self.texts)):
            if int(self.texts.item_ids[row]) in self.items:
                contents.add(self.texts.content_ids[row])
                keys.add(key)
        return FittedOn(before.contents | contents, before.captions | caption_digests(keys))

    def _text_head(self, old: Head | None) -> Head:
        if self.roles.joint:
            return old if isinstance(old, JointHead) else JointHead()
        if old is not None and old.state == FITTED:
            return old
        texts = rows_of(self.texts, recorded(self.previous, [self.text.name]))
        if not enough_texts(texts, self.spec):
            texts = self.texts
        fits = enough_texts(texts, self.spec)
        if isinstance(old, TextHead) and not fits:
            return old
        if fits:
            self.items |= set(texts.item_ids.tolist())
        neutral = fitting.neutral_vectors(self.make(self.text))
        return fitting.text_head(neutral, texts if fits else None)

    def _pairs(self, keys: Sequence[EncoderKey], head: Head) -> Pairs | None:
        """Those that a head is fitted on; None where they are too few."""
        rows = [self.media[key.name] for key in keys if key.name in self.media]
        items = [part.item_ids for part in rows]
        before = recorded(self.previous, [key.name for key in keys])
        again = all(before.issuperset(part.content_ids) for part in rows)
        texts = rows_of(self.texts, before) if again else self.texts
        mine = np.isin(texts.item_ids, np.concatenate(items)) if items else np.zeros(0, int)
        texts = texts.take(mine)
        naming = naming_of(texts, contents_of(rows))
        pairs = pairs_of(rows, captions_of(texts, head, naming), self.text.dim, naming)
        return pairs if enough(pairs.pairs, naming.own, self.spec) else None

    def _media_head(self, key: EncoderKey, pairs: Pairs | None) -> MediaHead | None:
        """One fitted on ``pairs``, or where there are none, one of class names."""
        encoder, joint = self.make(key), self.roles.joint
        reading = reading_of(encoder, key.dim)
        labels = labels_of(encoder, self.make(self.text), joint=joint)
        if pairs is None:
            return None if labels is None else fitting.label_head(reading, labels, joint=joint)
        prior = None if joint else self._prior()
        head, choice = fitting.fitted_head(reading, labels, pairs, prior, self.spec.folds)
        told = "%s: fitted on %d pairs, cross-validated RR %.3f"
        log.info(told, key.name, len(pairs), choice.score)
        self.contents |= set(pairs.content_ids)
        self.items |= set(pairs.item_ids)
        return head

    def _prior(self) -> Features:
        text = self.make(self.text)
        every = (labels_of(self.make(key), text, joint=False) for key in self.roles.foreign)
        return prior_of(every, lambda: fitting.neutral_vectors(text))
