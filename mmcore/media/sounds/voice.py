"""Where somebody speaks: the voice activity detector of the package ``silero-vad``.

Its weights (safetensors) go through the small network below in NumPy: importing the package would
run TorchScript and set the threads of the whole process.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from safetensors.numpy import load_file

STEP: Final = 512
"""Samples at 16 kHz that one probability stands for: 32 ms."""

_CONTEXT: Final = 64  # samples of the step before
_BLOCK: Final = 1024  # steps at once
_UNITS: Final = 128
_LAYERS: Final = (("conv1", 1), ("conv2", 2), ("conv3", 2), ("conv4", 1))  # name, stride

Array = NDArray[np.float32]


def speech(samples: Array) -> Array:
    """Mono samples at 16 kHz → the probability of speech in each ``STEP`` of them.

    The last step is filled up with silence. After Silero Team, "Silero VAD", 2021–2026 (MIT).
    """
    if not len(samples):
        return samples[:0]
    weights = _weights()
    steps = -(-len(samples) // STEP)
    padded = np.pad(samples, (_CONTEXT, steps * STEP - len(samples)))
    frames = sliding_window_view(padded, STEP + _CONTEXT)[::STEP]
    state = np.zeros((2, _UNITS), dtype=np.float32)
    found = [
        _recurrent(_encoded(frames[start : start + _BLOCK], weights), state, weights)
        for start in range(0, steps, _BLOCK)
    ]
    return np.concatenate(found)


@cache
def _weights() -> Mapping[str, Array]:
    package = find_spec("silero_vad")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the package silero-vad is not installed", name="silero_vad")
    path = Path(package.submodule_search_locations[0], "data", "silero_vad_16k.safetensors")
    weights: dict[str, Array] = load_file(path)
    for name, _ in _LAYERS:  # as one matrix: (3 × inputs, outputs)
        kernel = weights[f"{name}.weight"]
        weights[name] = kernel.transpose(2, 1, 0).reshape(-1, len(kernel))
    # One tanh serves all gates: the logistic function of x is half of 1 + tanh(x / 2).
    halves = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], dtype=np.float32), _UNITS)
    weights["inputs"] = weights["lstm_cell.weight_ih"].T * halves
    weights["hidden"] = np.ascontiguousarray(weights["lstm_cell.weight_hh"].T * halves)
    weights["bias"] = (weights["lstm_cell.bias_ih"] + weights["lstm_cell.bias_hh"]) * halves
    return weights


def _encoded(frames: Array, weights: Mapping[str, Array]) -> Array:
    """(steps, samples) → (steps, 128): magnitudes of a short spectrum through convolutions."""
    padded = np.pad(frames, ((0, 0), (0, _CONTEXT)), mode="reflect")
    basis = weights["stft_conv.weight"][:, 0]
    width, half = basis.shape[1], len(basis) // 2
    waves = sliding_window_view(padded, width, axis=1)[:, :: width // 2] @ basis.T
    values = np.hypot(waves[..., :half], waves[..., half:])
    for name, stride in _LAYERS:
        values = _convolved(values, weights[name], weights[f"{name}.bias"], stride)
    encoded: Array = values[:, 0]
    return encoded


def _convolved(values: Array, kernel: Array, bias: Array, stride: int) -> Array:
    """(steps, time, inputs) → (steps, time / stride, outputs), three taps wide, not negative."""
    padded = np.pad(values, ((0, 0), (1, 1), (0, 0)))
    taps = [padded[:, tap : tap + values.shape[1] : stride] for tap in range(3)]
    convolved: Array = np.maximum(np.concatenate(taps, axis=2) @ kernel + bias, 0)
    return convolved


def _recurrent(values: Array, state: Array, weights: Mapping[str, Array]) -> Array:
    """(steps, 128) → (steps,) probabilities; ``state`` is carried on in place."""
    inputs = values @ weights["inputs"] + weights["bias"]
    kernel, n = weights["hidden"], _UNITS
    hidden, cell = state
    outputs = np.empty((len(values), n), dtype=np.float32)
    for step, given in enumerate(inputs):
        gates = np.tanh(given + hidden @ kernel)
        opened = 0.5 * gates + np.float32(0.5)  # of all but the new values, which stay as they are
        cell = opened[n : 2 * n] * cell + opened[:n] * gates[2 * n : 3 * n]
        hidden = outputs[step] = opened[3 * n :] * np.tanh(cell)
    state[:] = hidden, cell
    last = weights["final_conv.weight"].reshape(-1)
    likely = np.maximum(outputs, 0) @ last + weights["final_conv.bias"]
    probabilities: Array = 0.5 * np.tanh(0.5 * likely) + np.float32(0.5)
    return probabilities
