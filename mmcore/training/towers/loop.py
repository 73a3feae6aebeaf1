"""The training itself: epochs, the best of them, checkpoints on the way.

Imported where torch is at work only.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from mmcore.encoders.compute.device import compute_of
from mmcore.specs import RuntimeSpec
from mmcore.training.loop.curves import Point
from mmcore.training.loop.seeds import seeded
from mmcore.training.loop.stopping import Stopping, check_loss, check_weights
from mmcore.training.towers import checkpoints
from mmcore.training.towers.batches import Batch, Batches
from mmcore.training.towers.checkpoints import Checkpoint
from mmcore.training.towers.measure import held_out, score_of
from mmcore.training.towers.objective import Objective
from mmcore.training.towers.schedule import rate_at

Progress = Callable[[Point], None]


@dataclass
class Course:
    """One training; ``learn`` runs it, from where a checkpoint has left it.

    Each epoch draws from generators that seed and epoch alone decide, so that one that goes on
    after an interruption is the one that would have come.
    """

    objective: Objective
    training: Batches
    validation: Batches | None  # None: there is nothing to stop by
    device: str
    folder: Path  # of checkpoints
    identity: str
    points: list[Point] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        spec = self.objective.spec
        self.stopping = Stopping(spec.patience)
        self.names: dict[Tensor, str] = {p: n for n, p in self._network.named_parameters()}
        self.optimiser: torch.optim.Optimizer = torch.optim.AdamW(
            self._network.parameters(), spec.rate, weight_decay=spec.weight_decay
        )

    def learn(self, progress: Progress, *, resume: bool) -> None:
        """Train in place; the network then has the weights of its best epoch.

        Raises TrainingError for a loss or weights that are no numbers.
        """
        if resume:
            self._resume()
        spec = self.objective.spec
        while len(self.points) < spec.epochs and not self.stopping.over:
            point = self._epoch(len(self.points) + 1)
            self._took(point)
            progress(point)
            if spec.checkpoint and len(self.points) % spec.checkpoint == 0:
                self._save()
        self._network.load_state_dict(self.best)

    @property
    def _network(self) -> torch.nn.Module:
        return self.objective.network

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights are kept: without a validation split the last."""
        return self.stopping.epoch if self.validation else len(self.points)

    def _took(self, point: Point) -> None:
        """Keep the weights, if there are none better."""
        self.points.append(point)
        if self._better(point):
            self.best = copy.deepcopy(self._network.state_dict())

    def _better(self, point: Point) -> bool:
        if self.validation is None:
            return True
        score = score_of(dict(point.values), self.objective.spec)
        return self.stopping.better(point.epoch, score)

    def _epoch(self, number: int) -> Point:
        with seeded(self.objective.spec.seed + number * 2**32):
            loss = self._pass(number)
        check_weights(number, self._network.parameters())
        values = {"loss": loss}
        if self.validation is not None:
            values |= held_out(self.validation, self.objective, self.device)
            check_loss(number, values["held_out_loss"])
        return Point(number, values)

    def _pass(self, number: int) -> float:
        """One pass over the items; the mean loss of a step."""
        spec, network = self.objective.spec, self.objective.network
        chance = torch.Generator().manual_seed(spec.seed + number * 2**32)
        total, count = 0.0, 0
        network.train()
        for rate, batch in self._steps(number):
            self.optimiser.param_groups[0]["lr"] = rate
            with torch.autocast(_kind(self.device), torch.bfloat16, enabled=self._halved):
                features = network.features(batch.inputs)
            loss = self.objective.loss(batch, features, chance)
            value = float(loss.detach())
            check_loss(number, value)
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            clip_grad_norm_(network.parameters(), spec.clip)
            self.optimiser.step()
            total, count = total + value, count + 1
        return total / count

    def _steps(self, number: int) -> Iterator[tuple[float, Batch]]:
        """Each step of an epoch with its learning rate and its batch, on the device."""
        steps = self.training.steps
        for place, batch in enumerate(self.training.training(number)):
            step = (number - 1) * steps + place
            yield rate_at(step, steps, self.objective.spec), batch.to(self.device)

    @property
    def _halved(self) -> bool:
        wanted = self.objective.spec.precision
        if wanted == "auto":
            runtime = RuntimeSpec(device=self.device)
            return self.device != "cpu" and compute_of(runtime).dtype == "bfloat16"
        return wanted == "bfloat16"

    def _save(self) -> None:
        told = checkpoints.optimiser_state(self.optimiser, self.names)
        state = self._network.state_dict()
        found = Checkpoint(self.identity, tuple(self.points), state, self.best, told)
        checkpoints.write(self.folder, found)

    def _resume(self) -> None:
        found = checkpoints.read(self.folder, self.identity)
        if found is None:
            return
        self._network.load_state_dict(found.network)
        self.best = dict(found.best)
        checkpoints.restore_optimiser(self.optimiser, self.names, found.optimiser)
        for point in found.points:
            self.points.append(point)
            self._better(point)


def _kind(device: str) -> str:
    return device.partition(":")[0]
