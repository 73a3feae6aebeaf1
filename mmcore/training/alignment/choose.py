"""Which way to train: each is fitted on folds of the captions and asked about the others.

All of it happens inside what may be fitted on. It begins with a way that was found to do well in
both galleries (``docs/decisions/0022``). Each stage keeps what did best so far and tries another
thing upon it, which has to be worth its size, and surely better: noise would win otherwise, as
there are many ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

import numpy as np

from mmcore.training.alignment import hubness
from mmcore.training.alignment.closed import Form
from mmcore.training.alignment.measures import Found, measured, together
from mmcore.training.alignment.parts import Placed, placed
from mmcore.training.alignment.spec import AlignSpec
from mmcore.training.alignment.workshop import Cca, Plan, Workshop
from mmcore.training.alignment.world import World
from mmcore.training.loop.trials import Trial, changed, said
from mmcore.training.ridge import folds

Told = Callable[[str], None]
SURE: Final = 2.0  # standard errors that another way has to gain
TEXT_RIDGE: Final = 0.3  # of the regression between captions
TEXT_RIDGES: Final = (None, 1.0, 0.1)  # that are tried in its place; None: no regression


@dataclass(frozen=True, slots=True)
class Tried:
    """A plan and what it reached on held-out captions."""

    plan: Plan
    found: Found


@dataclass(slots=True, eq=False)
class Contest:
    """Tries plans on all folds; ``tried`` has each, in order."""

    world: World
    spec: AlignSpec
    progress: Told
    tried: list[Tried] = field(default_factory=list)
    _kept: Tried | None = None
    _folds: list[tuple[Workshop, World]] = field(default_factory=list)

    def __post_init__(self) -> None:
        keys = self.world.keys
        items = np.array(list(keys))
        fold = folds(list(keys.values()), self.spec.folds)
        for number in range(self.spec.folds):
            mine, others = items[fold == number].tolist(), items[fold != number].tolist()
            self._folds.append((Workshop(self.world.of(others), self.spec), self.world.of(mine)))

    def best(self, plans: Iterator[Plan], *, must: bool = False) -> Plan:
        """The best of ``plans``, if it surely beats what was kept before.

        By the spec's ``gain`` at least, and by SURE standard errors, on the same queries: of some
        thirty plans one is always a little better by chance. ``must``: one of ``plans``, however
        good what was kept is.
        """
        found = [self._try(plan) for plan in plans]
        scores = [round(one.found.score(), 6) for one in found]
        best = found[scores.index(max(scores))]
        if self._kept is None or must or self._beats(best, self._kept):
            self._kept = best
        return self._kept.plan

    def _beats(self, one: Tried, other: Tried) -> bool:
        gain, error = one.found.gain(other.found)
        return gain >= max(self.spec.gain, SURE * error)

    def _try(self, plan: Plan) -> Tried:
        reached = together(
            measured(placed(shop.part(plan), asked), asked, self._beside(shop, plan))
            for shop, asked in self._folds
        )
        self.progress(f"{self._told(plan)}: held-out RR {reached.score():.3f}")
        self.tried.append(Tried(plan, reached))
        return self.tried[-1]

    def _told(self, plan: Plan) -> str:
        """The method, and what is otherwise than in what was kept so far."""
        settings = plan.to_json()
        kept = None if self._kept is None else self._kept.plan.to_json()
        how = said(settings) if kept is None else changed(settings, kept)
        return ", ".join(filter(None, [plan.method, how]))

    def _beside(self, shop: Workshop, plan: Plan) -> tuple[Placed, World] | None:
        """What was fitted on, where it is in the gallery."""
        if self.spec.gallery == "new":
            return None
        return placed(shop.part(plan), shop.world), shop.world


def choose(world: World, spec: AlignSpec, progress: Told) -> tuple[Plan, tuple[Trial, ...]]:
    """The plan that wins on held-out captions among what the method allows, and all trials."""
    contest = Contest(world, spec, progress)
    plan = contest.best(iter([first_of(world, spec)]))
    if not world.joint:
        plan = _forms(contest, plan)
    if spec.method in ("auto", "network"):
        shares = (replace(plan, share=share) for share in spec.network.shares)
        plan = contest.best(shares, must=spec.method == "network")
    if spec.method in ("auto", "cca") and not world.joint:
        for side in world.sides:
            if len(side):
                given = _with_cca(plan, side.name, spec)
                plan = contest.best(given, must=spec.method == "cca")
    if spec.hubness != "off" and not world.joint:
        plan = _hubs(contest, plan)
    return plan, tuple(
        Trial(one.plan.method, one.plan.to_json(), one.found.to_scores(), one.plan is plan)
        for one in contest.tried
    )


def first_of(world: World, spec: AlignSpec) -> Plan:
    """What the contest begins with; in a joint space texts stay, and so it is the plain form."""
    if world.joint:
        return Plan()
    labelled = any(side.labels is not None for side in world.sides)
    hubs = None if spec.hubness == "off" else hubness.FIRST[spec.gallery]
    half = spec.gallery == "new"  # among all that a lake has, it loses more than it gains
    return Plan(Form(by_scores=labelled, text_ridge=TEXT_RIDGE, half=half), hubness=hubs)


def _forms(contest: Contest, plan: Plan) -> Plan:
    """The closed form: as an index run fits it, then one thing else at a time."""
    if contest.spec.hubness == "on":
        plan = contest.best(iter([replace(plan, form=Form())]))
    else:
        plan = contest.best(iter([Plan()]))
    if any(side.labels is not None for side in contest.world.sides):
        by_scores = not plan.form.by_scores
        plan = contest.best(iter([replace(plan, form=replace(plan.form, by_scores=by_scores))]))
    others = [ridge for ridge in (TEXT_RIDGE, *TEXT_RIDGES) if ridge != plan.form.text_ridge]
    plan = contest.best(
        replace(plan, form=replace(plan.form, text_ridge=ridge)) for ridge in others
    )
    return contest.best(iter([replace(plan, form=replace(plan.form, half=not plan.form.half))]))


def _hubs(contest: Contest, plan: Plan) -> Plan:
    """Other shares of hubness; none at all, too, where that is not settled."""
    shares = [(media, texts) for media in hubness.MEDIA for texts in hubness.TEXTS]
    tried: list[tuple[float, float] | None] = [s for s in shares if s != plan.hubness]
    if contest.spec.hubness == "auto" and plan.hubness is not None:
        tried.append(None)
    return contest.best(replace(plan, hubness=share) for share in tried)


def _with_cca(plan: Plan, side: str, spec: AlignSpec) -> Iterator[Plan]:
    for dims, ridge, share in product(spec.cca.dims, spec.cca.ridges, spec.cca.shares):
        yield replace(plan, cca={**plan.cca, side: Cca(dims, ridge, share)})
