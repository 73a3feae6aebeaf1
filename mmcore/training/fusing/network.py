"""Train the network of a learned fusion. Imports torch."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mmcore.fusion.learned import Learned
from mmcore.fusion.networks import FusionNetwork, network_of
from mmcore.training.balance.losses import info_nce
from mmcore.training.balance.mixing import drop_modalities
from mmcore.training.fusing.contents import Contents
from mmcore.training.fusing.questions import Questions, Stacked, drawn
from mmcore.training.fusing.scoring import Exam, scored
from mmcore.training.fusing.spec import FusionFitSpec
from mmcore.training.loop.curves import Point
from mmcore.training.loop.seeds import seeded
from mmcore.training.loop.stopping import Stopping, check_loss
from mmcore.training.loop.threads import one_thread

_STOP: Final = 6  # one part in so many of the items tells when to end
_ASKED: Final = 1000  # questions of each epoch, by which the end is told
_FEWEST: Final = 8  # questions by which an end can be told


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network, the epoch that it is of, and what it cost on its way."""

    network: FusionNetwork
    epochs: int  # 0: the mean, which no epoch was better than
    points: tuple[Point, ...]

    def fusion(self, kind: str) -> Learned:
        """It as a fusion, without the fingerprint of a stored one."""
        return Learned(kind, "", self.network.eval())


def architecture(kind: str, dim: int, spec: FusionFitSpec) -> dict[str, Any]:
    """What the network of ``kind`` is like, as its record has it."""
    shape: dict[str, Any] = {"hidden": list(spec.hidden)}
    if kind == "attention":
        shape = {"width": spec.width, "heads": spec.heads, "layers": spec.layers}
    return {"dim": dim, "dropout": spec.dropout, **shape}


def stopped(kind: str, contents: Contents, spec: FusionFitSpec) -> Trained:
    """Train on most of ``contents`` to the epoch that finds the rest best.

    The plain mean, with which it starts, counts as epoch 0. Where the rest is too small to tell,
    the last epoch counts.
    """
    held = _stop_items(contents, spec)
    rest = Exam.of(contents, held, _ASKED)
    if len(rest.questions) < _FEWEST:
        return trained(kind, contents, spec, spec.epochs)
    return _trained(kind, contents.take(~held), spec, spec.epochs, rest)


def _stop_items(contents: Contents, spec: FusionFitSpec) -> NDArray[np.bool_]:
    """(items,) by which a training ends: of one projection, where several placed them."""
    parts = contents.parts(spec.folds)
    if contents.placed and len(np.unique(parts)) > 1:
        return np.asarray(parts == parts.min())
    return np.asarray(contents.fold(_STOP, "stop") == 0)


def trained(kind: str, contents: Contents, spec: FusionFitSpec, epochs: int) -> Trained:
    """Train on all of ``contents`` for so many epochs."""
    return _trained(kind, contents, spec, epochs, None)


def _trained(
    kind: str,
    contents: Contents,
    spec: FusionFitSpec,
    epochs: int,
    held: Exam | None,
) -> Trained:
    """Each item, by one or two of its contents, has to find its fused vector without these.

    Against the other items of the batch (``info_nce``), all of which one projection placed; those
    that share a caption with it are right too. What is sought loses modalities at random.
    TrainingError for a loss that is not finite.
    """
    rng = np.random.default_rng(spec.seed)
    stopping, points = Stopping(spec.patience), list[Point]()
    with seeded(spec.seed), one_thread():
        told: Mapping[str, Any] = architecture(kind, contents.vectors.shape[1], spec)
        network = network_of(kind, dict(told))
        optimiser = torch.optim.AdamW(
            network.parameters(), spec.learning_rate, weight_decay=spec.weight_decay
        )
        best = copy.deepcopy(network)
        if held is not None:
            stopping.better(0, scored(Learned(kind, "", network.eval()), held))
        for epoch in range(1, epochs + 1):
            values = {"loss": _epoch(network, optimiser, contents, spec, rng)}
            check_loss(epoch, values["loss"])
            if held is not None:
                values["RR"] = scored(Learned(kind, "", network.eval()), held)
                if stopping.better(epoch, values["RR"]):
                    best = copy.deepcopy(network)
            points.append(Point(epoch, values))
            if held is not None and stopping.over:
                break
    if held is None:
        return Trained(network.eval(), epochs, tuple(points))
    return Trained(best.eval(), stopping.epoch, tuple(points))


def _epoch(
    network: FusionNetwork,
    optimiser: torch.optim.Optimizer,
    contents: Contents,
    spec: FusionFitSpec,
    rng: np.random.Generator,
) -> float:
    """One pass over the items; the mean loss of its steps."""
    network.train()
    losses = []
    for batch in _batches(contents, spec, rng):
        questions = drawn(contents, batch, spec.pairs, rng)
        if len(questions) < 2:  # noqa: PLR2004 - nothing to tell it from
            continue
        optimiser.zero_grad()
        loss = _loss(network, contents, questions, spec)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses)) if losses else 0.0


def _batches(
    contents: Contents, spec: FusionFitSpec, rng: np.random.Generator
) -> Iterator[list[int]]:
    """Items in a drawn order, those of one projection together."""
    order = rng.permutation(len(contents))
    parts = contents.placed_by[order]
    pools = [order[parts == part] for part in np.unique(parts)]
    found = [
        pool[low : low + spec.batch_size].tolist()
        for pool in pools
        for low in range(0, len(pool), spec.batch_size)
    ]
    for place in rng.permutation(len(found)).tolist():
        yield found[place]


def _loss(
    network: FusionNetwork, contents: Contents, questions: Questions, spec: FusionFitSpec
) -> Tensor:
    asked, has = _tensors(questions.queries(contents))
    sought, there = _tensors(questions.targets(contents))
    usable = has.any(dim=1) & there.any(dim=1)
    there = drop_modalities(there, spec.modality_dropout, torch.default_generator)
    groups = torch.from_numpy(contents.groups[questions.items])[usable]
    return info_nce(
        _unit(network, asked[usable], has[usable]),
        _unit(network, sought[usable] * there[usable][:, :, None], there[usable]),
        spec.temperature,
        groups[:, None] == groups[None],
    )


def _unit(network: FusionNetwork, vectors: Tensor, has: Tensor) -> Tensor:
    fused, _ = network(vectors, has)
    return functional.normalize(fused, dim=1)


def _tensors(stacked: Stacked) -> tuple[Tensor, Tensor]:
    vectors, has = stacked
    return torch.from_numpy(vectors), torch.from_numpy(has)
