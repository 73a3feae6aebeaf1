"""Presets: one word for the encoders of a lake; several are joined by ``+``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mmcore.encoders.base import Encoder, encoders
from mmcore.encoders.weights.folder import is_place
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


def chosen(preset: str) -> Chosen:
    """Read ``NAME[:MODEL]+…``; UnknownPluginError lists the presets."""
    names: list[str] = []
    models: dict[str, str] = {}
    for part in preset.split("+"):
        name, colon, model = part.strip().partition(":")
        found = presets.get(name)
        if colon and not model:
            raise ConfigError(f"preset {part!r}: name a folder, a file or an id behind the colon")
        if found.needs and not colon:
            raise ConfigError(f"preset {name!r} needs {found.needs}: {name}:{found.needs}")
        if models.get(name, model) != model:
            raise ConfigError(f"preset {preset!r} names {name!r} twice, with two models")
        names += [one for one in found.encoders if one not in names]
        if colon:
            models[name] = model
    return Chosen(tuple(names), models)


def settled(preset: str) -> str:
    """``preset`` with absolute paths of the models that lie on this machine: a lake keeps it."""
    return "+".join(map(_settled, preset.split("+")))


def title(preset: str) -> str:
    """The names in ``preset``, without their models: ``siglip2-clap``, fit for a folder's name."""
    return "-".join(part.strip().partition(":")[0] for part in preset.split("+"))


def _settled(part: str) -> str:
    name, _, model = part.strip().partition(":")
    return (
        f"{name}:{Path(model).expanduser().absolute()}"
        if model and is_place(model)
        else part.strip()
    )


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
