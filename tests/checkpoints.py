"""Small random checkpoints of each preset's real architecture, made once a session.

``tests/made/checkpoints/<preset>.py`` has a function ``make(folder)`` that writes one as its hub
would.
"""

from __future__ import annotations

import tempfile
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from mmcore.encoders.presets import presets
from mmcore.specs import RuntimeSpec


@cache
def _root() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="mmindex-checkpoints-")


@cache
def checkpoint(preset: str) -> Path | None:
    """The folder (or file) that the preset loads; None for one that brings its weights."""
    module = f"tests.made.checkpoints.{preset.replace('-', '_')}"
    if find_spec(module) is None:
        return None
    return import_module(module).make(Path(_root().name) / preset)


@cache
def preset_of(encoder: str) -> str | None:
    """The first preset that has the encoder of that name."""
    return next((name for name in presets.names() if encoder in presets.get(name).encoders), None)


def runtime_for(encoder: str, **fields: object) -> RuntimeSpec:
    """A runtime on the CPU that loads the small checkpoint of the encoder's preset."""
    preset = preset_of(encoder)
    folder = checkpoint(preset) if preset else None
    models = {preset: str(folder)} if preset and folder else {}
    return RuntimeSpec(**{"device": "cpu", "models": models, **fields})
