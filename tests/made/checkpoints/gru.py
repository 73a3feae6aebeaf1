"""A small GRU over log-mel frames, as the LSTM is made."""

from __future__ import annotations

from pathlib import Path

from tests.made.checkpoints import lstm


def make(folder: Path) -> Path:
    """Write ``config.json`` and ``model.safetensors``."""
    return lstm.make(folder, "gru")
