"""All ways to fit one world, each made once: what is tried on folds is what is kept at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.features import Features
from mmcore.encoders.heads import LANGUAGES, Head
from mmcore.encoders.learned import HubHead, Mlp, MovedHead, ResidualHead, beside
from mmcore.training.alignment.blend import side_by_side
from mmcore.training.alignment.cca import canonical, led_to
from mmcore.training.alignment.closed import PLAIN, Closed, Form, closed_form
from mmcore.training.alignment.hubness import banks_of, without_hubs
from mmcore.training.alignment.parts import Part, Placed, placed
from mmcore.training.alignment.spec import AlignSpec
from mmcore.training.alignment.world import Side, World
from mmcore.training.loop.curves import Point
from mmcore.training.ridge import folds

_UNSEEN: Final = 5  # folds of the closed form that networks read


@dataclass(frozen=True, slots=True)
class Cca:
    """A setting of canonical correlation, and its share of the cosine."""

    dims: int
    ridge: float
    share: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to train: what is put upon the closed form."""

    form: Form = PLAIN
    share: float = 0.0  # of the networks' correction; 0: none
    cca: Mapping[str, Cca] = field(default_factory=dict)  # by side
    hubness: tuple[float, float] | None = None  # shares of media's and of texts'

    @property
    def method(self) -> str:
        """Its name: ``ridge``, ``network``, ``ridge + cca`` and so on."""
        names = ["network" if self.share else "ridge"]
        return " + ".join(names + ["cca"] * bool(self.cca) + ["hubness"] * bool(self.hubness))

    def to_json(self) -> dict[str, Any]:
        """As a trial has it."""
        told: dict[str, Any] = {**asdict(self.form), "network_share": self.share}
        told["cca"] = {
            side: {"dims": c.dims, "ridge": c.ridge, "share": c.share}
            for side, c in self.cca.items()
        }
        if self.hubness is not None:
            told["hubness"] = {"media": self.hubness[0], "texts": self.hubness[1]}
        return told


@dataclass(slots=True, eq=False)
class Workshop:
    """Fits ``world`` by plans; what two plans have in common is fitted once."""

    world: World
    spec: AlignSpec
    like: Workshop | None = None  # of a larger world, whose canonical directions these are led to
    curves: dict[str, tuple[Point, ...]] = field(default_factory=dict)  # of networks, by member
    _closed: dict[Form, Closed] = field(default_factory=dict)
    _networks: dict[Form, list[Mapping[str, Mlp]]] = field(default_factory=dict)
    _unseen: dict[Form, Placed] = field(default_factory=dict)
    _canonical: dict[tuple[str, int, float], Part] = field(default_factory=dict)

    @property
    def sides(self) -> tuple[Side, ...]:
        """Those that have pairs."""
        return tuple(side for side in self.world.sides if len(side))

    def part(self, plan: Plan) -> Part:
        """The heads that ``plan`` leads to."""
        part = self.closed(plan.form).part
        if plan.share:
            part = self._corrected(plan)
        if plan.cca:
            further = {
                name: (self.canonical(name, cca), cca.share) for name, cca in plan.cca.items()
            }
            dims = [self.world.text.dim, *(_dim(one.text) for one, _ in further.values())]
            part = side_by_side(part, further, dims, len(self.sides))
        if plan.hubness is not None:
            part = without_hubs(part, banks_of(self._bank(plan, part)), *plan.hubness)
        return part

    def _bank(self, plan: Plan, part: Part) -> Placed:
        """Where ``part`` puts fitted texts and contents; contents as unseen, if that is known."""
        found = placed(part, self.world)
        if plan.share or plan.cca:
            return found
        return Placed(found.said, self._unseen_contents(plan.form))

    def _unseen_contents(self, form: Form) -> Mapping[str, Features]:
        """Those of ``unseen``, in which the ridge between captions has no part."""
        return self.unseen(replace(form, text_ridge=None)).contents

    def closed(self, form: Form) -> Closed:
        """The closed form; whatever the ridge between captions is, cross-validated once."""
        if form not in self._closed:
            like = (c.choices for f, c in self._closed.items() if f.alike(form))
            lake, choices = self.spec.gallery == "lake", next(like, None)
            self._closed[form] = closed_form(
                self.world, self.spec.fit, form=form, lake=lake, choices=choices
            )
        return self._closed[form]

    def canonical(self, name: str, cca: Cca) -> Part:
        """The canonical directions of one side and its captions."""
        place = name, cca.dims, cca.ridge
        if place not in self._canonical:
            closed = self.closed(PLAIN)
            side = next(side for side in self.sides if side.name == name)
            pairs = self.world.pairs(side, self.world.captions(closed.part.text))
            gamma = closed.choices[name].gamma
            found = canonical(side, pairs, closed.part.text, gamma, cca.dims, cca.ridge)
            if self.like is not None:
                found = led_to(found, self.like.canonical(name, cca), name, pairs)
            self._canonical[place] = found
        return self._canonical[place]

    def unseen(self, form: Form) -> Placed:
        """Where the closed form puts each text and content when fitted without its caption."""
        if form not in self._unseen:
            keys = self.world.keys
            said = {name: np.zeros((len(keys), self.world.text.dim)) for name in LANGUAGES}
            contents = {s.name: np.zeros((len(s), self.world.text.dim)) for s in self.sides}
            empty = Placed(said, contents)
            fold = folds(list(keys.values()), _UNSEEN)
            for number in range(_UNSEEN):
                if 0 < (fold == number).sum() < len(fold):
                    self._fill(empty, fold == number, form)
            self._unseen[form] = empty
        return self._unseen[form]

    @property
    def unseen_folds(self) -> dict[int, int]:
        """By item: the fold whose others place it in ``unseen`` and ``unseen_by``."""
        keys = self.world.keys
        return dict(zip(keys, folds([*keys.values()], _UNSEEN).tolist(), strict=True))

    def _fill(self, into: Placed, mine: NDArray[np.bool_], form: Form) -> None:
        """Place the items ``mine`` by a closed form of all others."""
        items = np.array(list(self.world.keys))
        choices = self.closed(form).choices
        others = self.world.of(items[~mine].tolist())
        fitted = closed_form(others, self.spec.fit, form=form, choices=choices)
        found = placed(fitted.part, self.world.of(items[mine].tolist()))
        for name in LANGUAGES:
            into.said[name][mine] = found.said[name]
        for side in self.sides:
            if side.name in found.contents:
                rows = np.isin(side.item_ids, items[mine])
                into.contents[side.name][rows] = found.contents[side.name]

    def unseen_by(self, plan: Plan) -> Placed:
        """The same of all that ``plan`` puts upon the closed form: each fold is trained anew.

        Canonical directions of a fold, which may be fewer, are turned to those of all.
        """
        if not (plan.share or plan.cca):
            return self._unseen_heads(plan)
        items, fold = np.array(list(self.world.keys)), folds([*self.world.keys.values()], _UNSEEN)
        dim = self.part(plan).dim(self.world)
        found = {side.name: np.zeros((len(side), dim)) for side in self.sides}
        for number in range(_UNSEEN):
            mine, others = items[fold == number].tolist(), items[fold != number].tolist()
            if mine and others:
                part = Workshop(self.world.of(others), self.spec, like=self).part(plan)
                for name, rows in placed(part, self.world.of(mine)).contents.items():
                    side = next(side for side in self.world.sides if side.name == name)
                    if len(side):
                        found[name][np.isin(side.item_ids, mine)] = rows
        return Placed({}, found)

    def _unseen_heads(self, plan: Plan) -> Placed:
        """Of a closed form; coordinates for hubs are of the banks that all have."""
        found = self._unseen_contents(plan.form)
        heads = self.part(plan).media
        with_hubs = {}
        for name, rows in found.items():
            head = heads[name]
            with_hubs[name] = head.over(rows) if isinstance(head, HubHead) else rows
            with_hubs[name] = np.where(np.any(rows != 0, axis=1)[:, None], with_hubs[name], 0)
        return Placed({}, with_hubs)

    def networks(self, form: Form) -> list[Mapping[str, Mlp]]:
        """The members of the ensemble, by side and ``text``."""
        if form not in self._networks:
            from mmcore.training.alignment import lessons, networks  # noqa: PLC0415 - loads torch

            given = lessons.lessons_of(self, form)
            members = []
            for number in range(self.spec.network.members):
                learned = networks.train_member(
                    given, self.spec.network, self.spec.seed + number, texts=not self.world.joint
                )
                members.append(learned.networks)
                self.curves[f"network {number + 1}"] = learned.points
            self._networks[form] = members
        return self._networks[form]

    def _corrected(self, plan: Plan) -> Part:
        closed = self.closed(plan.form)
        members = self.networks(plan.form)

        def of(name: str) -> tuple[Mlp, ...]:
            return tuple(member[name] for member in members)

        text: Head = closed.part.text
        if not self.world.joint:
            text = ResidualHead(text, of("text"), plan.share)
        media = dict(closed.part.media)
        for side in self.sides:
            head = closed.heads[side.name]
            reads = head.fitted if self.spec.network.features else None
            comparison = None if reads is None else reads.comparison
            media[side.name] = ResidualHead(
                head, of(side.name), plan.share, side.reading, comparison
            )
        return Part(text, media)

    def read(self, side: Side, vectors: Features, form: Form) -> Features:
        """(n, d + f) what networks read of a side's pairs, which the closed form puts at these."""
        head = self.closed(form).heads[side.name]
        if not self.spec.network.features or head.fitted is None:
            return vectors
        return beside(vectors, head.fitted.comparison.shaped(side.reading.features(side.cells)))


def _dim(text: Head) -> int:
    if not isinstance(text, MovedHead):
        raise TypeError("canonical directions of texts are a MovedHead")
    return int(text.turn.shape[1])
