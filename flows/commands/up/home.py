"""The folder of `mmindex up`, and that one alone is at work in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mmcore.errors import ConfigError


def home_of() -> Path:
    """Where the server keeps its database, made if it is not there; Prefect is told of it."""
    home = named_by(os.environ)
    if not os.environ.get("PREFECT_HOME"):
        os.environ["PREFECT_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    return home


def named_by(environment: Mapping[str, str]) -> Path:
    """The folder in such an environment: $PREFECT_HOME, or a folder of our own.

    Not `~/.prefect`, whose database may be that of another work of the user.
    """
    if home := environment.get("PREFECT_HOME"):
        return Path(home).expanduser().absolute()
    kept = environment.get("XDG_DATA_HOME") or "~/.local/share"
    return (Path(kept).expanduser() / "mmindex" / "prefect").absolute()


def note_of(home: Path) -> Path:
    """What the one at work notes for others that are started: the address of its server."""
    return home / "up.url"


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Be the only `mmindex up` of this folder; ConfigError where another one is, with its URL."""
    lock, note = FileLock(home / "up.lock", timeout=0), note_of(home)
    try:
        lock.acquire()
    except Timeout as error:
        url = note.read_text("utf-8") if note.exists() else ""
        where = f", at {url}" if url else ", and about to start"
        why = "a second one needs a PREFECT_HOME and a --port of its own"
        raise ConfigError(f"`mmindex up` is at work in {home}{where}: {why}") from error
    try:
        note.unlink(missing_ok=True)  # of one that was killed
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()
