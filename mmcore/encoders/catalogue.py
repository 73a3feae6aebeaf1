"""The presets of this package: encoders, languages, and the weights that they load."""

from __future__ import annotations

from typing import Final

from mmcore.encoders.presets import Preset

EMBEDDED: Final = Preset(
    encoders=("e5-small", "efficientnet-lite0", "efficientnet-lite0-frames", "logmel"),
    about="all media, with weights from Python packages: no network, no account",
    languages="zh, en and many more",
    extra="embedded",
)
