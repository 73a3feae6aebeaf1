"""The cache of huggingface_hub on this machine, in which weights may lie already."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def hub_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Where huggingface_hub keeps what it downloads: $HF_HUB_CACHE, $HF_HOME/hub, or the usual."""
    told = environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE")
    if told:
        return Path(told).expanduser()
    cached = environment.get("XDG_CACHE_HOME") or "~/.cache"
    home = environment.get("HF_HOME") or f"{cached}/huggingface"
    return Path(home).expanduser() / "hub"


def cached_snapshot(repository: str, revision: str) -> Path | None:
    """The folder of one revision in the cache, if it is there: ``models--x--y/snapshots/<rev>``.

    Its files are links to blobs. None where no revision is known: a branch moves.
    """
    if not revision or repository.count("/") != 1:
        return None
    name = "models--" + repository.replace("/", "--")
    found = hub_cache() / name / "snapshots" / revision
    return found if found.is_dir() else None
