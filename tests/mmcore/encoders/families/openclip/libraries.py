"""Folders of open_clip models, changed."""

from __future__ import annotations

import json

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"


def changed(folder, part, **fields):
    """Change fields of a part of the configuration."""
    told = json.loads((folder / CONFIG).read_text())
    inner = told
    for name in part.split("."):
        inner = inner[name]
    inner.update(fields)
    (folder / CONFIG).write_text(json.dumps(told))
    return folder
