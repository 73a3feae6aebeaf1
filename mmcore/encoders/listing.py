"""What presets and encoders there are, and which of their weights lie here; loads none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from itertools import chain
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.base import Encoder, encoders
from mmcore.encoders.presets import Preset, presets
from mmcore.encoders.weights.arriving import PARTIAL
from mmcore.encoders.weights.cards import CARD, Card, read_card
from mmcore.encoders.weights.licences import licence_of
from mmcore.encoders.weights.places import place_of_weights, weights_root
from mmcore.encoders.weights.releases import UNKNOWN
from mmcore.errors import ConfigError, MissingExtraError, MissingWeightsError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

_REQUIREMENT: Final = re.compile(r"""^([\w.-]+).*;.*\bextra\s*==\s*["']([\w.-]+)["']""")
_ENDINGS: Final = {**{str(one): str(one) for one in Modality}, "frames": str(Modality.VIDEO)}


@dataclass(frozen=True, slots=True)
class EncoderLine:
    """An encoder of a preset. ``space`` and ``dim``: of the weights that it would load now."""

    name: str
    modality: str = ""  # empty: only known when the weights are here
    space: str = ""
    dim: int = 0
    licence: str = ""
    error: str = ""  # why it cannot be made, where that is not that weights are missing


@dataclass(frozen=True, slots=True)
class WeightsLine:
    """Weights of a preset: as published, or as they lie here."""

    id: str
    licence: str
    dim: int
    bytes: int  # on disk, or about what is fetched
    revision: str
    path: str | None = None  # none: not here
    partial: bool = False  # a fetch of them was interrupted


@dataclass(frozen=True, slots=True)
class PresetLine:
    """A preset; ``name`` is empty for encoders that none has."""

    name: str
    package: str
    about: str = ""
    languages: str = ""
    encoders: tuple[EncoderLine, ...] = ()
    weights: tuple[WeightsLine, ...] = ()
    extra: str = ""
    installed: bool = True  # what the extra asks for
    needs: str = ""
    error: str = ""

    @property
    def ready(self) -> bool:
        """Whether it can be indexed with as it is."""
        return not self.error and all(one.space for one in self.encoders)

    @property
    def todo(self) -> str:
        """The command that is needed next; empty where there is none."""
        if not self.installed:
            return f"pip install '{self.package}[{self.extra}]'"
        if self.needs:
            return f"mmindex index … --preset {self.name}:{self.needs}"
        if self.weights and self.weights[0].path is None:
            return f"mmindex encoders fetch {self.name}"
        return ""


def listing(runtime: RuntimeSpec) -> tuple[PresetLine, ...]:
    """All presets, ours first; then encoders of no preset. What is broken is told, not raised."""
    made = _Maker(_points(encoders.group), runtime.model_copy(update={"noncommercial": True}))
    lines = sorted(
        (made.preset(name, points) for name, points in _points(presets.group).items()),
        key=lambda line: (line.package != "mmindex", line.name != "embedded", line.name),
    )
    used = {one.name for line in lines for one in line.encoders}
    alone: dict[str, list[EncoderLine]] = {}
    for name, points in made.declared.items():
        if name not in used:
            alone.setdefault(_package(points), []).append(made.encoder(name))
    return (*lines, *(PresetLine("", one, encoders=tuple(of)) for one, of in alone.items()))


Points = tuple[EntryPoint, ...]
"""What declares one name: one entry point, unless packages are at odds."""


def _points(group: str) -> dict[str, Points]:
    """What packages declare, by name, each declaration once."""
    found = {(point.name, point.value): point for point in entry_points(group=group)}
    names = sorted({name for name, _ in found})
    return {name: tuple(found[key] for key in sorted(found) if key[0] == name) for name in names}


def _package(points: Points) -> str:
    return points[0].dist.name if points[0].dist else ""


def _load(points: Points) -> Any:
    """What a name stands for; ConfigError where two packages declare it."""
    if len(points) > 1:
        raise ConfigError("is declared twice: uninstall one of the two packages")
    return points[0].load()


def _told(make: Callable[[], Any]) -> tuple[Any, str]:
    """What ``make`` gives, or in one line why it does not: it may be anybody's code."""
    try:
        return make(), ""
    except Exception as error:  # noqa: BLE001 - shown; one package cannot break the list
        return None, f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes encoders for what they say of themselves; weights stay where they are."""

    declared: dict[str, Points]
    runtime: RuntimeSpec

    def preset(self, name: str, points: Points) -> PresetLine:
        """A preset with all that is known of it."""
        package = _package(points)
        found, error = _told(lambda: _load(points))
        if not isinstance(found, Preset):
            return PresetLine(name, package, error=error or f"{points[0].value} is no Preset")
        weights = chain(_released(name, found, self.runtime), _others(name, found, self.runtime))
        return PresetLine(
            name,
            package,
            found.about,
            found.languages,
            tuple(self._of(one, found) for one in found.encoders),
            tuple(weights),
            found.extra,
            _installed(package, found.extra),
            found.needs,
        )

    def _of(self, name: str, preset: Preset) -> EncoderLine:
        """Of a preset whose weights have to be named nothing is made: none are."""
        guessed = _guessed(name, preset.media)
        return guessed if preset.needs else self.encoder(name, preset.media)

    def encoder(self, name: str, media: str = "") -> EncoderLine:
        """What an encoder says; of one that cannot be made, what its name says."""
        guessed = _guessed(name, media)
        line, error = _told(lambda: self._made(name, guessed))
        return line if isinstance(line, EncoderLine) else replace(guessed, error=error)

    def _made(self, name: str, guessed: EncoderLine) -> EncoderLine:
        if name not in self.declared:
            raise ConfigError("no package declares it")
        factory = _load(self.declared[name])
        try:
            one: Encoder = factory(SegmentationSpec(), self.runtime)
        except (MissingWeightsError, MissingExtraError):
            return guessed
        key = one.key
        return EncoderLine(name, str(key.modality), key.space, key.dim, one.licence)


def _guessed(name: str, media: str) -> EncoderLine:
    return EncoderLine(name, media or _ENDINGS.get(name.rpartition("-")[2], ""))


def _released(name: str, preset: Preset, runtime: RuntimeSpec) -> Iterator[WeightsLine]:
    """Known weights, the usual ones first."""
    for place, release in enumerate(preset.releases):
        models = {} if place == 0 else {name: release.id}
        told = runtime.model_copy(update={"models": models})
        path = place_of_weights(name, release, told)
        here = path.is_dir() and any(path.iterdir())
        yield WeightsLine(
            release.id,
            licence_of(path, release) if here else release.licence,
            release.dim,
            size_of(path) if here else release.bytes,
            _revision(path) or release.revision,
            str(path) if here else None,
            path.with_name(path.name + PARTIAL).is_dir(),
        )


def _revision(path: Path) -> str:
    card, _ = _told(lambda: read_card(path))
    return card.revision if isinstance(card, Card) else ""


def _others(name: str, preset: Preset, runtime: RuntimeSpec) -> Iterator[WeightsLine]:
    """Weights that were fetched for this preset by an id that no release names."""
    known = {release.id for release in preset.releases}
    root = weights_root(runtime)
    for path in sorted(root.glob(f"*/*/{CARD}")):
        card, _ = _told(lambda path=path: read_card(path.parent))  # type: ignore[misc]
        said = path.parent.relative_to(root).as_posix()
        if isinstance(card, Card) and card.preset == name and said not in known:
            licence, size = card.licence or UNKNOWN, size_of(path.parent)
            yield WeightsLine(said, licence, 0, size, card.revision, str(path.parent))


def size_of(path: Path) -> int:
    """Bytes of the files of a folder; of links, what they lead to."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _installed(package: str, extra: str) -> bool:
    """Whether all that an extra of a package asks for is here."""
    if not extra or not package:
        return True
    try:
        asked: Iterable[str] = distribution(package).requires or ()
    except PackageNotFoundError:
        return True
    found = (_REQUIREMENT.match(one) for one in asked)
    return all(_there(one[1]) for one in found if one and one[2] == extra)


def _there(package: str) -> bool:
    try:
        return bool(distribution(package))
    except PackageNotFoundError:
        return False
