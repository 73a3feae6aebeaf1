"""Presets: one word for the encoders of a lake; several are joined by ``+``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mmcore.encoders.base import Encoder, encoders
from mmcore.encoders.weights.places import is_place
from mmcore.encoders.weights.releases import Release
from mmcore.errors import ConfigError
from mmcore.registry import Registry
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey
from storage.schemas import Modality


@dataclass(frozen=True, slots=True)
class Preset:
    """Encoders that go together, and the weights that they load.

    ``encoders``: names in the registry, the text encoder first. ``releases``: known weights, the
    usual ones first; none where weights come in Python packages, or are the user's own. ``needs``:
    whether weights have to be named (``glove:FILE``).
    """

    encoders: tuple[str, ...]
    about: str
    languages: str = ""
    releases: tuple[Release, ...] = ()
    extra: str = ""  # of the package
    needs: str = ""  # what has to be named behind the colon
    media: str = ""  # modality of its encoders, where no ending of their names (-image) says it

    def release(self, model: str | None = None) -> Release | None:
        """The usual weights, or those of an id; None for what is not known."""
        if model is None:
            return self.releases[0] if self.releases else None
        return next((one for one in self.releases if one.id == model), None)

    def wanted(self, name: str, runtime: RuntimeSpec) -> Release | None:
        """The release that a run names behind the preset ``name``, else the usual one."""
        return self.release(runtime.models.get(name)) or self.release()


presets: Final[Registry[Preset]] = Registry("mmindex.presets", "preset")
"""Name → preset; a package of yours declares its own."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a preset's words name: encoders, and by preset what stands behind a colon."""

    encoders: tuple[str, ...]
    models: Mapping[str, str] = field(default_factory=dict)

    def runtime(self, runtime: RuntimeSpec) -> RuntimeSpec:
        """``runtime`` that loads these models; what it names itself counts more."""
        return runtime.model_copy(update={"models": {**self.models, **runtime.models}})


@dataclass(frozen=True, slots=True)
class Part:
    """One preset's name, and the model behind its colon; None where there is no colon."""

    name: str
    model: str | None = None

    def __str__(self) -> str:
        return self.name if self.model is None else f"{self.name}:{self.model}"


def parts_of(preset: str) -> tuple[Part, ...]:
    """Read ``NAME[:MODEL]+…``, whatever the names; a model may be a path with a plus.

    A plus behind a colon begins another preset only where a known name follows it, and then a
    colon, a plus or the end; and not where it belongs to a path that exists.
    """
    known = "|".join(sorted(map(re.escape, presets.names()), key=len, reverse=True))
    words = re.split(rf"\+(?=\s*(?:{known})\s*(?::|\+|$))", preset)
    found: list[Part] = []
    while words:
        count = _words_of_a_path(words)
        found += _partly("+".join(words[:count]))
        words = words[count:]
    return tuple(found)


def _words_of_a_path(words: Sequence[str]) -> int:
    """How many of the words are one part: the most that name what exists, else one."""
    model = words[0].partition(":")[2].strip()
    if not is_place(model):
        return 1
    for count in range(len(words), 1, -1):
        if Path("+".join([model, *words[1:count]])).expanduser().exists():
            return count
    return 1


def _partly(text: str) -> list[Part]:
    """Before a colon, a plus always begins another preset."""
    head, colon, model = text.partition(":")
    names = [name.strip() for name in head.split("+")]
    return [*map(Part, names[:-1]), Part(names[-1], model.strip() if colon else None)]


def chosen(preset: str) -> Chosen:
    """Read ``NAME[:MODEL]+…``; UnknownPluginError lists the presets."""
    names: list[str] = []
    models: dict[str, str] = {}
    for part in parts_of(preset):
        name, model = part.name, part.model
        found = presets.get(name)
        if model == "":
            raise ConfigError(f"preset '{part}': name a folder, a file or an id behind the colon")
        if found.needs and model is None:
            raise ConfigError(f"preset {name!r} needs {found.needs}: {name}:{found.needs}")
        if models.get(name, model) != model:
            raise ConfigError(f"preset {preset!r} names {name!r} twice, with two models")
        names += [one for one in found.encoders if one not in names]
        if model is not None:
            models[name] = model
    return Chosen(tuple(names), models)


def settled(preset: str) -> str:
    """``preset`` with absolute paths of the models that lie on this machine: a lake keeps it."""
    return "+".join(map(_settled, parts_of(preset)))


def title(preset: str) -> str:
    """The names in ``preset``, without their models: ``siglip2-clap``, fit for a folder's name."""
    return "-".join(part.name for part in parts_of(preset))


def _settled(part: Part) -> str:
    if part.model and is_place(part.model):
        return f"{part.name}:{Path(part.model).expanduser().absolute()}"
    return str(part)


def runtime_of(preset: str, runtime: RuntimeSpec) -> RuntimeSpec:
    """``runtime`` with the models that ``preset`` names: what its encoders are made with."""
    return chosen(preset).runtime(runtime)


def of_a_lake(runtime: RuntimeSpec) -> RuntimeSpec:
    """``runtime`` for a lake that exists: who made it has agreed to its weights' licences."""
    return runtime.model_copy(update={"noncommercial": True})


def encoders_of(
    preset: str, segmentation: SegmentationSpec, runtime: RuntimeSpec
) -> tuple[Encoder, ...]:
    """The encoders of ``preset``, the main text encoder first; UnknownPluginError lists presets.

    Of two encoders of pictures (frames, sounds) the one that is named last counts. A further text
    encoder is one that shares its space with another encoder: what asks for it.
    """
    found = chosen(preset)
    made = [encoders.get(name)(segmentation, found.runtime(runtime)) for name in found.encoders]
    return kept(made)


def kept(made: Sequence[Encoder]) -> tuple[Encoder, ...]:
    """One encoder a medium, the last; of text the first, and those that share another's space."""
    texts = [one for one in made if one.key.modality is Modality.TEXT]
    last = {one.key.modality: one for one in made if one.key.modality is not Modality.TEXT}
    spaces = {one.key.space for one in last.values()}
    main = texts[:1]
    others = [one for one in texts[1:] if one.key.space in spaces - {main[0].key.space}]
    return (*main, *last.values(), *others)


def encoder_for(key: EncoderKey, segmentation: SegmentationSpec, runtime: RuntimeSpec) -> Encoder:
    """The encoder that ``key`` names, with the models of ``runtime`` (``runtime_of``).

    ConfigError when this version of it has other vectors.
    """
    encoder = encoders.get(key.name)(segmentation, runtime)
    if encoder.key != key:
        raise ConfigError(
            f"encoder {key.name!r} has fingerprint {encoder.key.fingerprint}, not"
            f" {key.fingerprint}: all workers of a run need the same version of mmindex, of its"
            " encoders and of their weights"
        )
    return encoder


def encoder_named(name: str, segmentation: SegmentationSpec, runtime: RuntimeSpec) -> Encoder:
    """The encoder ``name``, with the models of ``runtime`` (``runtime_of``)."""
    return encoders.get(name)(segmentation, runtime)
