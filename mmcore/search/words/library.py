"""The library bm25s, loaded without what it would load for itself."""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

_UNWANTED: Final = ("jax", "numba")
_lock: Final = threading.Lock()


def bm25s() -> Any:
    """The module; NumPy alone computes, wherever JAX and Numba are installed.

    By itself it imports both where they are, and starts JAX, which takes seconds and most of a
    GPU's memory. Its log is kept to warnings.
    """
    with _lock:
        return _loaded()


@cache
def _loaded() -> Any:
    with _hidden(_UNWANTED):
        module = importlib.import_module("bm25s")
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return module


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Let an import of ``names`` fail meanwhile as if they were not installed."""
    mine = [name for name in names if name not in sys.modules]
    blocked: Any = dict.fromkeys(mine)  # None: no such module, by the import system's own rule
    sys.modules.update(blocked)
    try:
        yield
    finally:
        for name in mine:
            sys.modules.pop(name, None)
