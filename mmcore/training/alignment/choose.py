"""Which way to train: each is fitted on folds of the captions and asked about the others.

All of it happens inside what may be fitted on. Each stage keeps what did best so far and tries
one thing more upon it, which has to be worth its size: noise would win otherwise, as there are
many ways.
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
from mmcore.training.loop.trials import Trial
from mmcore.training.ridge import folds

Told = Callable[[str], None]
TEXT_RIDGES: Final = (1.0, 3.0, 0.3, 0.1)  # of the regression between captions


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
        """The best of ``plans``, if it beats what was kept before by the spec's ``gain``.

        ``must``: one of ``plans``, however good what was kept is.
        """
        found = [self._try(plan) for plan in plans]
        scores = [round(one.found.score(), 6) for one in found]
        best = found[scores.index(max(scores))]
        least = -1.0 if self._kept is None or must else self._kept.found.score() + self.spec.gain
        if self._kept is None or best.found.score() >= least:
            self._kept = best
        return self._kept.plan

    def _try(self, plan: Plan) -> Tried:
        reached = together(
            measured(placed(shop.part(plan), asked), asked, self._beside(shop, plan))
            for shop, asked in self._folds
        )
        self.progress(f"{plan.method}: held-out RR {reached.score():.3f}")
        self.tried.append(Tried(plan, reached))
        return self.tried[-1]

    def _beside(self, shop: Workshop, plan: Plan) -> tuple[Placed, World] | None:
        """What was fitted on, where it is in the gallery."""
        if self.spec.gallery == "new":
            return None
        return placed(shop.part(plan), shop.world), shop.world


def choose(world: World, spec: AlignSpec, progress: Told) -> tuple[Plan, tuple[Trial, ...]]:
    """The plan that wins on held-out captions among what the method allows, and all trials."""
    contest = Contest(world, spec, progress)
    plan = contest.best(iter([Plan()]))
    if not world.joint:
        if any(side.labels is not None for side in world.sides):
            plan = contest.best(iter([Plan(Form(by_scores=True))]))
        forms = [replace(plan.form, text_ridge=ridge) for ridge in TEXT_RIDGES]
        plan = contest.best(Plan(form) for form in forms)
        plan = contest.best(iter([Plan(replace(plan.form, half=True))]))
    if spec.method in ("auto", "network"):
        shares = (replace(plan, share=share) for share in spec.network.shares)
        plan = contest.best(shares, must=spec.method == "network")
    if spec.method in ("auto", "cca") and not world.joint:
        for side in world.sides:
            if len(side):
                given = _with_cca(plan, side.name, spec)
                plan = contest.best(given, must=spec.method == "cca")
    if spec.hubness != "off" and not world.joint:
        must = spec.hubness == "on"
        given = (replace(plan, hubness=(share, 0.0)) for share in hubness.MEDIA)
        plan = contest.best(given, must=must)
        first = plan.hubness[0] if plan.hubness is not None else 0.0
        plan = contest.best(replace(plan, hubness=(first, share)) for share in hubness.TEXTS)
    return plan, tuple(
        Trial(one.plan.method, one.plan.to_json(), one.found.to_scores(), one.plan is plan)
        for one in contest.tried
    )


def _with_cca(plan: Plan, side: str, spec: AlignSpec) -> Iterator[Plan]:
    for dims, ridge, share in product(spec.cca.dims, spec.cca.ridges, spec.cca.shares):
        yield replace(plan, cca={**plan.cca, side: Cca(dims, ridge, share)})
