"""Preset → one encoder per modality and space."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mmcore.encoders.base import Encoder, encoders
from mmcore.errors import ConfigError, UnknownPluginError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey

PRESETS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"embedded": ("e5-small", "efficientnet-lite0", "efficientnet-lite0-frames", "logmel")}
)


def encoders_of(
    preset: str, segmentation: SegmentationSpec, runtime: RuntimeSpec
) -> tuple[Encoder, ...]:
    """The encoders of ``preset``, the text encoder first; UnknownPluginError lists the presets."""
    if preset not in PRESETS:
        raise UnknownPluginError("preset", preset, PRESETS)
    return tuple(encoders.get(name)(segmentation, runtime) for name in PRESETS[preset])


def encoder_for(key: EncoderKey, segmentation: SegmentationSpec, runtime: RuntimeSpec) -> Encoder:
    """The encoder that ``key`` names; ConfigError when this version of it has other vectors."""
    encoder = encoders.get(key.name)(segmentation, runtime)
    if encoder.key != key:
        raise ConfigError(
            f"encoder {key.name!r} has fingerprint {encoder.key.fingerprint}, not"
            f" {key.fingerprint}: all workers of a run need the same version of mmindex and of its"
            " encoders"
        )
    return encoder
