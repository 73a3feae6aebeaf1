"""Autoregressive predictive coding (Chung et al., 2019): to say which frame comes a little later.

Imported where torch is at work only.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from mmcore.encoders.families.recurrent_network import Recurrent

Frames = NDArray[np.float32]
"""(t, bands) of one sound."""

BATCH = 16
_CLIP = 1.0  # of the gradient's length


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass: mean distance (L1, on bands of deviation 1) of what was foreseen and what came."""

    number: int  # from 1
    loss: float
    held_out: float


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how fast a network learns."""

    ahead: int
    epochs: int
    patience: int
    rate: float
    seed: int


def learnt(
    network: Recurrent,
    sounds: Sequence[Frames],
    held_out: Sequence[Frames],
    course: Course,
    progress: Callable[[Epoch], None],
) -> list[Epoch]:
    """Train ``network`` in place; it keeps the weights of its best epoch on ``held_out``.

    It stops when ``patience`` epochs were no better. The same seed gives the same weights on the
    same machine.
    """
    chance = np.random.default_rng(course.seed)
    optimiser = torch.optim.Adam(network.parameters(), course.rate)
    best, state, done = np.inf, copy.deepcopy(network.state_dict()), list[Epoch]()
    for number in range(1, course.epochs + 1):
        order = chance.permutation(len(sounds)).tolist()
        loss = _pass(network, [sounds[place] for place in order], course.ahead, optimiser)
        with torch.no_grad():
            epoch = Epoch(number, loss, _pass(network, held_out, course.ahead))
        done.append(epoch)
        progress(epoch)
        if epoch.held_out < best:
            best, state = epoch.held_out, copy.deepcopy(network.state_dict())
        elif number - _best(done).number >= course.patience:
            break
    network.load_state_dict(state)
    return done


def _best(done: Sequence[Epoch]) -> Epoch:
    return min(done, key=lambda epoch: epoch.held_out)


def _pass(
    network: Recurrent,
    sounds: Sequence[Frames],
    ahead: int,
    optimiser: torch.optim.Optimizer | None = None,
) -> float:
    """The mean loss of a frame over ``sounds``; with an optimiser they are learnt from."""
    total, count = 0.0, 0
    for frames, lengths in batches(sounds, network.mean.device):
        loss, there = _loss(network, frames, lengths, ahead)
        if optimiser is not None:
            optimiser.zero_grad()
            (loss / there).backward()  # type: ignore[no-untyped-call]
            clip_grad_norm_(network.parameters(), _CLIP)
            optimiser.step()
        total, count = total + loss.item(), count + there
    return total / count


def _loss(network: Recurrent, frames: Tensor, lengths: Tensor, ahead: int) -> tuple[Tensor, int]:
    """The sum of L1 distances of the frames foreseen, each a mean over bands, and their number."""
    scaled = network.scaled(frames)
    foreseen = network.ahead(network.states(scaled[:, :-ahead]))
    distances = (foreseen - scaled[:, ahead:]).abs().mean(dim=2)
    places = torch.arange(ahead, scaled.shape[1], device=frames.device)
    there = places[None] < lengths[:, None]
    return (distances * there).sum(), int(there.sum())


def batches(
    sounds: Sequence[Frames], device: torch.device | str
) -> Iterator[tuple[Tensor, Tensor]]:
    """(n, t, bands) frames, zeros behind the end of each, and (n,) lengths; in order."""
    for start in range(0, len(sounds), BATCH):
        some = sounds[start : start + BATCH]
        lengths = [len(one) for one in some]
        frames = np.zeros((len(some), max(lengths), some[0].shape[1]), dtype=np.float32)
        for place, one in enumerate(some):
            frames[place, : len(one)] = one
        yield torch.from_numpy(frames).to(device), torch.tensor(lengths, device=device)
