"""Vectors of a modality that an item does not have, made from what it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from mmcore.errors import NothingToLearnError
from mmcore.training.balance.spec import GanSpec
from mmcore.training.loop.seeds import seeded
from mmcore.training.loop.stopping import check_loss, check_vectors
from mmcore.training.loop.threads import one_thread

LEAST: Final = 8
"""Rows: from fewer no GAN is trained."""
_DRAWS: Final = 4  # whose mean the anchor holds to the truth
_KEPT: Final = 0.99  # of the averaged generator, at each step


class FeatureGan:
    """A conditional GAN that makes vectors: what a modality's would be, given another's.

    Mirza & Osindero, "Conditional Generative Adversarial Nets", 2014, on stored vectors instead
    of pixels (as Xian et al., "Feature Generating Networks for Zero-Shot Learning", CVPR 2018).
    The critic is spectrally normalised with a hinge loss (Miyato et al., 2018), the generator's
    weights are averaged over the steps, and the mean of several draws is held to the truth, since
    few rows do not keep a GAN from collapsing. Make one with ``fit``.
    """

    def __init__(
        self, network: nn.Module, scales: Sequence[Scale], classes: int, noise: int
    ) -> None:
        self._network, self._scales = network, scales
        self._classes, self._noise = classes, noise

    @classmethod
    def fit(
        cls,
        condition: Tensor,
        target: Tensor,
        labels: Tensor | NDArray[np.int64] | None,
        spec: GanSpec | None = None,
    ) -> FeatureGan:
        """Learn (n, d) ``target`` from (n, c) ``condition``, and (n,) ``labels`` where given.

        A label of -1 says nothing. The same seed gives the same generator. Raises
        NothingToLearnError for fewer than 8 rows, ValueError for rows that do not match,
        TrainingError where the loss, or a vector, is no number.
        """
        spec = spec or GanSpec()
        if len(condition) != len(target):
            raise ValueError(f"{len(condition)} conditions, {len(target)} targets")
        if labels is not None and len(labels) != len(target):
            raise ValueError(f"{len(labels)} labels, {len(target)} targets")
        if len(target) < LEAST:
            raise NothingToLearnError(
                f"{len(target)} rows have both modalities, and a GAN needs {LEAST}: set"
                " balance.synthesis=mixup or none"
            )
        check_vectors(*(one.detach().cpu().numpy() for one in (condition, target)))
        known = None if labels is None else torch.as_tensor(labels)
        classes = 0 if known is None else max(0, int(known.max()) + 1)
        with seeded(spec.seed), one_thread():
            scales = tuple(Scale.of(rows, spec.directions) for rows in (condition, target))
            given = _given(scales[0].to(condition), known, classes)
            network = _trained(given, scales[1].to(target), spec)
        return cls(network, scales, classes, spec.noise)

    def make(
        self, condition: Tensor, labels: Tensor | NDArray[np.int64] | None, seed: int
    ) -> Tensor:
        """(n, d) float32 vectors for (n, c) conditions; another seed draws others."""
        if labels is not None and len(labels) != len(condition):
            raise ValueError(f"{len(labels)} labels, {len(condition)} conditions")
        known = None if labels is None else torch.as_tensor(labels)
        given = _given(self._scales[0].to(condition), known, self._classes)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(len(given), self._noise, generator=generator)
        with torch.no_grad():
            made: Tensor = self._network(torch.cat([given, noise], dim=1))
        return self._scales[1].back(made)


class Scale:
    """A table of vectors as small networks learn it: centred, few directions, a spread of 1."""

    def __init__(self, mean: Tensor, basis: Tensor, spread: Tensor) -> None:
        self.mean, self.basis, self.spread = mean, basis, spread

    @classmethod
    def of(cls, rows: Tensor, directions: int) -> Scale:
        """Of (n, d): its mean, its first ``directions`` principal ones, and one spread of all."""
        rows = rows.float()
        mean = rows.mean(dim=0)
        basis = torch.eye(rows.shape[1])
        if rows.shape[1] > directions:
            basis = torch.linalg.svd(rows - mean, full_matrices=False)[2][:directions].T
        spread = ((rows - mean) @ basis).square().mean().sqrt()
        return cls(mean, basis, spread.clamp_min(1e-6))

    def to(self, rows: Tensor) -> Tensor:
        """Rows as networks see them."""
        return ((rows.float() - self.mean) @ self.basis) / self.spread

    def back(self, rows: Tensor) -> Tensor:
        """Rows as the table had them, less what its other directions had."""
        return (rows * self.spread) @ self.basis.T + self.mean


def mixed(
    target: Tensor,
    labels: NDArray[np.int64],
    wanted: NDArray[np.int64],
    seed: int,
) -> Tensor:
    """(m, d) vectors of the ``wanted`` (m,) labels, each mixed of two rows of its class.

    λ·x + (1 − λ)·y with λ from Beta(1, 1), as mixup does (Zhang et al., ICLR 2018), within a class
    (so also SMOTE: Chawla et al., 2002). A class of one row gives that row. Raises
    NothingToLearnError for wanted labels that no row has.
    """
    missing = sorted(set(np.asarray(wanted).tolist()) - set(np.asarray(labels).tolist()))
    if missing:
        raise NothingToLearnError(f"no row to mix of the classes {missing[:10]}")
    rng = np.random.default_rng(seed)
    rows = {int(one): np.flatnonzero(labels == one) for one in np.unique(wanted)}
    pairs = np.array([rng.choice(rows[int(one)], 2) for one in wanted], dtype=np.int64)
    pairs = pairs.reshape(-1, 2)
    lam = torch.from_numpy(rng.random((len(pairs), 1))).to(target)
    return lam * target[pairs[:, 0]] + (1 - lam) * target[pairs[:, 1]]


def _given(condition: Tensor, labels: Tensor | None, classes: int) -> Tensor:
    """(n, c + classes): the condition, and its label as one of so many; none of it for -1."""
    if not classes:
        return condition
    hot = torch.zeros(len(condition), classes)
    if labels is not None:
        known = (labels >= 0) & (labels < classes)
        hot[known] = functional.one_hot(labels[known].long(), classes).float()
    return torch.cat([condition, hot], dim=1)


def _trained(given: Tensor, target: Tensor, spec: GanSpec) -> nn.Module:
    """The averaged generator after ``spec.steps``."""
    size = given.shape[1]
    generator = _generator(size + spec.noise, spec.hidden, target.shape[1])
    critic = _critic(size + target.shape[1], spec.hidden)
    average = _generator(size + spec.noise, spec.hidden, target.shape[1]).requires_grad_(False)
    average.load_state_dict(generator.state_dict())
    turns = (
        torch.optim.Adam(generator.parameters(), lr=spec.rate / 2, betas=(0.0, 0.9)),
        torch.optim.Adam(critic.parameters(), lr=spec.rate, betas=(0.0, 0.9)),
    )
    for step, rows in zip(range(1, spec.steps + 1), _batches(len(target), spec), strict=False):
        known, true = given[rows], target[rows]
        _learn(turns[1], _critic_loss(critic, known, true, _draw(generator, known, spec).detach()))
        loss = _generator_loss(generator, critic, (known, true), spec)
        check_loss(step, loss.item())
        _learn(turns[0], loss)
        for kept, new in zip(average.parameters(), generator.parameters(), strict=True):
            kept.lerp_(new.detach(), 1 - min(_KEPT, step / (step + 10)))
    return average


def _batches(count: int, spec: GanSpec) -> Iterator[Tensor]:
    """Random rows without end; all of them where there are no more than a batch."""
    while True:
        yield from torch.split(torch.randperm(count), spec.batch)


def _draw(generator: nn.Module, known: Tensor, spec: GanSpec) -> Tensor:
    made: Tensor = generator(torch.cat([known, torch.randn(len(known), spec.noise)], dim=1))
    return made


def _critic_loss(critic: nn.Module, known: Tensor, true: Tensor, made: Tensor) -> Tensor:
    """The hinge: true rows above 1, made ones below −1."""
    real = critic(torch.cat([known, true], dim=1))
    fake = critic(torch.cat([known, made], dim=1))
    return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()


def _generator_loss(
    generator: nn.Module, critic: nn.Module, rows: tuple[Tensor, Tensor], spec: GanSpec
) -> Tensor:
    known, true = rows
    draws = _draw(generator, known.repeat(_DRAWS, 1), spec).view(_DRAWS, *true.shape)
    fooled = -critic(torch.cat([known, draws[0]], dim=1)).mean()
    missed = functional.mse_loss(draws.mean(dim=0), true)
    loss: Tensor = fooled + spec.anchor * missed
    return loss


def _learn(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _generator(size: int, hidden: int, dim: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(size, hidden),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden, hidden),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden, dim),
    )


def _critic(size: int, hidden: int) -> nn.Module:
    return nn.Sequential(
        spectral_norm(nn.Linear(size, hidden)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Linear(hidden, hidden)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Linear(hidden, 1)),
    )
