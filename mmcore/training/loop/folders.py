"""Folders of weights that appear whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE

from mmcore.errors import ConfigError


def check_free(to: Path) -> None:
    """ConfigError for a folder that holds something."""
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise ConfigError(f"{to} is there already: name a new folder")


@contextmanager
def building(to: Path) -> Iterator[Path]:
    """A folder beside ``to``, which takes its place at the end; after an error it goes."""
    partial = to.with_name(f".{to.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        _share(partial)
        partial.replace(to)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _share(folder: Path) -> None:
    """Who may read any new file may read each of these: safetensors lets its owner alone."""
    probe = folder / ".mode"
    probe.touch()
    mode = S_IMODE(probe.stat().st_mode)
    probe.unlink()
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(mode)
