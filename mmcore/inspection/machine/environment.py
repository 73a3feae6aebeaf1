"""Variables of the environment, and the locale, that bite."""

from __future__ import annotations

import locale
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mmcore.inspection.machine.checked import Checked, Checks, State
from mmcore.processes.cores import cores

OURS: Final = frozenset(
    {
        "MMINDEX_CACHE",
        "MMINDEX_CACHE_BYTES",
        "MMINDEX_LAKE",
        "MMINDEX_LOG_JSON",
        "MMINDEX_METRICS",
        "MMINDEX_NOTIFY",
        "MMINDEX_PYTORCH_MIRROR",
        "MMINDEX_WEIGHTS",
    }
)
"""All that mmindex itself reads; a test compares it with the code."""

_THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")

Bite = tuple[State, str, Mapping[str, Any]]
Environment = Mapping[str, str]


def environment(variables: Environment = os.environ, encoding: str | None = None) -> Checks:
    """What of the environment changes how a run works; one line that all is well if nothing."""
    charset = encoding or locale.getpreferredencoding(False)
    found = [bite for look in _LOOKS for bite in look(variables)]
    found += list(_charset(charset))
    for state, said, facts in found:
        yield Checked("environment", state, said, facts)
    if not found:
        yield Checked("environment", "ok", "environment", {"encoding": charset})


def _charset(encoding: str) -> Iterator[Bite]:
    if encoding.lower().replace("-", "").replace("_", "") not in {"utf8", "cp65001"}:
        yield "warn", "environment-charset", {"encoding": encoding}


def _threads(variables: Environment) -> Iterator[Bite]:
    for name in _THREADS:
        told = variables.get(name)
        if told is None:
            continue
        count = int(told) if told.isdigit() else 0
        facts = {"name": name, "value": told, "cores": cores()}
        if count == 0:
            yield "warn", "environment-threads-odd", facts
        elif count < cores():
            yield "warn", "environment-threads-few", facts
        elif count > cores():
            yield "warn", "environment-threads-many", facts


def _proxy(variables: Environment) -> Iterator[Bite]:
    """A proxy that is asked for our own server at 127.0.0.1 as well: httpx makes no exception."""
    named = [
        n for n in ("HTTP_PROXY", "ALL_PROXY") if variables.get(n) or variables.get(n.lower())
    ]
    without = variables.get("NO_PROXY") or variables.get("no_proxy") or ""
    bypassed = {one.strip() for one in without.split(",")}
    if named and not (bypassed & {"*", "127.0.0.1"}):
        yield "warn", "environment-proxy", {"name": named[0]}


def _certificates(variables: Environment) -> Iterator[Bite]:
    for name in _CERTIFICATES:
        told = variables.get(name)
        if told and not Path(told).exists():
            yield "fail", "environment-certificates", {"name": name, "value": told}


def _ours(variables: Environment) -> Iterator[Bite]:
    for name in sorted(variables):
        if name.startswith("MMINDEX_") and name not in OURS:
            yield "warn", "environment-unknown", {"name": name, "known": ", ".join(sorted(OURS))}
    told = variables.get("MMINDEX_CACHE_BYTES")
    if told and not _is_number(told):
        yield "fail", "environment-cache-bytes", {"value": told}
    weights = variables.get("MMINDEX_WEIGHTS")
    if weights and not Path(weights).expanduser().is_dir():
        yield "warn", "environment-weights", {"value": weights}


def _is_number(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False


def _temporary(variables: Environment) -> Iterator[Bite]:
    told = variables.get("TMPDIR")
    if told and not os.access(told, os.W_OK | os.X_OK):
        yield "warn", "environment-tmpdir", {"value": told}


def _loaded_twice(variables: Environment) -> Iterator[Bite]:
    if variables.get("KMP_DUPLICATE_LIB_OK", "").lower() in {"1", "true"}:
        yield "warn", "environment-openmp-twice", {}


def _path(variables: Environment) -> Iterator[Bite]:
    """A folder on PYTHONPATH may hold other packages of the names that are ours."""
    names = ("flows", "tasks", "storage", "mmcore")
    for folder in filter(None, variables.get("PYTHONPATH", "").split(os.pathsep)):
        place = Path(folder)
        if any((place / name).is_dir() for name in names) and not (place / "mmcore").is_dir():
            yield "warn", "environment-pythonpath", {"value": folder}


_LOOKS: Final[tuple[Callable[[Environment], Iterator[Bite]], ...]] = (
    _threads,
    _proxy,
    _certificates,
    _ours,
    _temporary,
    _loaded_twice,
    _path,
)
