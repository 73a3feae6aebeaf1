"""What mmindex asks for of other packages, and which of its extras are here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from mmcore.inspection.machine.checked import Checked, Checks

_OWN = "mmindex"
_HIDDEN = frozenset({"dev"})  # for who works on mmindex


def packages() -> Checks:
    """Whether all packages that every run needs are here, and new enough."""
    try:
        asked, own = [Requirement(one) for one in requires(_OWN) or ()], version(_OWN)
    except PackageNotFoundError:
        yield Checked("packages", "warn", "packages-unknown")
        return
    needed = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = list(unmet(needed))
    facts = {"version": own, "count": len(needed)}
    if wrong:
        yield Checked("packages", "fail", "packages-unmet", {**facts, "wrong": ", ".join(wrong)})
    else:
        yield Checked("packages", "ok", "packages", facts)
    yield from _extras(asked)


def _extras(asked: Iterable[Requirement]) -> Checks:
    """The extras: none has to be here, but half of one is of no use."""
    of: dict[str, list[Requirement]] = {}
    for one in asked:
        for extra in _extras_of(one):
            of.setdefault(extra, []).append(one)
    here: list[str] = []
    away: list[str] = []
    for extra, wanted in sorted(of.items()):
        (away if list(unmet(wanted)) else here).append(extra)
    facts = {"here": ", ".join(here) or "–", "away": ", ".join(away) or "–"}
    yield Checked("extras", "ok", "extras", facts)


def _extras_of(one: Requirement) -> Iterator[str]:
    """The extra that a requirement belongs to, by its marker ``extra == "hub"``."""
    text = str(one.marker or "")
    _, found, rest = text.partition("extra == ")
    name = rest.strip("\"'() ")
    if found and name not in _HIDDEN:
        yield name


def unmet(wanted: Iterable[Requirement]) -> Iterator[str]:
    """Those that are missing or have another version: ``pyarrow 25.0 (>=26)``."""
    for one in wanted:
        try:
            found = version(one.name)
        except PackageNotFoundError:
            yield one.name
            continue
        if not one.specifier.contains(found, prereleases=True):
            yield f"{one.name} {found} ({one.specifier})"
