"""Plug-ins by name, found through entry points; only what is asked for is imported."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from mmcore.errors import ConfigError, UnknownPluginError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Registry(Generic[T]):
    """The plug-ins of one entry-point ``group``; ``kind`` is what an error calls them."""

    group: str
    kind: str

    def _declared(self) -> dict[str, EntryPoint]:
        found = entry_points(group=self.group)
        counted = Counter(point.name for point in {(p.name, p.value): p for p in found}.values())
        twice = [name for name, count in counted.items() if count > 1]
        if twice:
            raise ConfigError(
                f"{self.kind} {twice[0]!r} is declared twice: uninstall one of the two packages"
            )
        return {point.name: point for point in found}

    def names(self) -> tuple[str, ...]:
        """All declared names, sorted."""
        return tuple(sorted(self._declared()))

    def get(self, name: str) -> T:
        """Import and return the plug-in ``name``; UnknownPluginError lists what there is."""
        declared = self._declared()
        if name not in declared:
            raise UnknownPluginError(self.kind, name, declared)
        return cast("T", declared[name].load())
