"""What of mmindex's requirements is installed here, and what that needs in turn."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def extras() -> list[str]:
    """The names of all extras."""
    return distribution("mmindex").metadata.get_all("Provides-Extra", [])


def declared(*extras: str) -> Iterator[tuple[str, Requirement]]:
    """What the core and some extras ask for: the extra, or `core`, and the requirement."""
    ours = distribution("mmindex")
    for requirement in map(Requirement, ours.requires or []):
        for extra in ["core", *extras]:
            if applies(requirement, "" if extra == "core" else extra):
                yield extra, requirement
                break


def closure(root: Requirement, asked: str) -> Iterator[Distribution]:
    """A requirement and all that it needs here; an error where it is not installed."""
    seen: set[tuple[str, frozenset[str]]] = set()
    todo = [root]
    while todo:
        requirement = todo.pop()
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            found = distribution(requirement.name)
        except PackageNotFoundError:
            raise SystemExit(f"{requirement.name} is not installed; {asked} needs it") from None
        yield found
        todo.extend(
            needed
            for needed in map(Requirement, found.requires or [])
            if any(applies(needed, extra) for extra in ["", *requirement.extras])
        )


def applies(requirement: Requirement, extra: str) -> bool:
    """Whether a requirement holds here, for an extra."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})
