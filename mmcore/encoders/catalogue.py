"""The default preset. Its encoders lie in three modules, none of which is of all media.

A preset whose encoders share a model stands beside them, in ``families``.
"""

from __future__ import annotations

from typing import Final

from mmcore.encoders.presets import Preset

EMBEDDED: Final = Preset(
    encoders=("e5-small", "efficientnet-lite0", "efficientnet-lite0-frames", "logmel"),
    about="all media, with weights from Python packages: no network, no account",
    languages="zh, en and many more",
    extra="embedded",
)
