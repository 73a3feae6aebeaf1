from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmcore.encoders.embedded_image import build_frames, build_image, classifier
from mmcore.encoders.lite0 import LAST, READING
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality


def encoder(dtype="float32"):
    """The picture encoder on the CPU."""
    return build_image(SegmentationSpec(), RuntimeSpec(device="cpu", dtype=dtype))


def pictures(n=12):
    """(n, 224, 224, 3): drawings with shapes and noise."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(n):
        image = Image.new("RGB", (150, 110), tuple(rng.integers(120, 256, 3).tolist()))
        draw = ImageDraw.Draw(image)
        for _ in range(6):
            corner = rng.integers(0, 90, 2)
            box = [*corner.tolist(), *(corner + rng.integers(5, 60, 2)).tolist()]
            draw.ellipse(box, fill=tuple(rng.integers(0, 256, 3).tolist()))
        noisy = np.asarray(image) + rng.normal(0, 6, (110, 150, 3))
        found.append(encoder().prepare(Image.fromarray(noisy.clip(0, 255).astype(np.uint8))))
    return np.stack(found)


def test_folding_changes_no_feature():
    """In float32 the network without batch norms gives what the package's own gives."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    from mmcore.encoders.efficientnet import state

    plain = EfficientNet.from_name("efficientnet-lite0").eval()
    plain.load_state_dict(state())
    pixels = pictures(3)
    with torch.inference_mode():
        inputs = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127) / 128
        wanted = plain.extract_features(inputs).mean((2, 3)).numpy()

    features = READING.features(encoder().encode(pixels))[:, :LAST]
    np.testing.assert_allclose(features, wanted, atol=1e-4)


@pytest.mark.skipif(
    encoder("auto").compute["dtype"] != "bfloat16", reason="this CPU does not multiply bfloat16"
)
def test_bfloat16_stays_close_to_float32():
    """Cosine of the cells: at least .999. Over the 983 pictures of the benchmark .9995 in 99 %."""
    pixels = pictures()
    cosine = (encoder("bfloat16").encode(pixels) * encoder().encode(pixels)).sum(axis=1)

    assert cosine.min() >= 0.999


def test_the_classifier_reads_the_cell():
    """Class scores can be had from a cell: here as the network's own classifier gives them."""
    found = classifier()
    features = READING.features(encoder().encode(pictures(2)))[:, :LAST]
    scores = features @ found.weight.T + found.bias

    assert found.weight.shape == (1000, LAST)
    assert len(found.names) == 1000
    assert found.names[:2] == ("tench", "goldfish")
    assert np.isfinite(scores).all()


def test_a_picture_is_prepared_whole():
    """A wide picture is padded with white, not cropped."""
    array = encoder().prepare(Image.new("RGB", (100, 50), (0, 0, 0)))

    assert array.shape == (224, 224, 3)
    assert (array[0] == 255).all()
    assert (array[112] == 0).all()


def test_frames_are_pictures_of_another_modality():
    """Frames share the pictures' space and dimension; their intervals are in the fingerprint."""
    image = encoder().key
    frames = build_frames(SegmentationSpec(), RuntimeSpec()).key
    sparse = build_frames(SegmentationSpec(video_interval=9), RuntimeSpec()).key

    assert (frames.space, frames.dim) == (image.space, image.dim)
    assert (frames.modality, frames.reads) == (Modality.VIDEO, (Modality.VIDEO,))
    assert len({image.fingerprint, frames.fingerprint, sparse.fingerprint}) == 3


def test_one_network_serves_the_process():
    """Two encoders of one device and dtype share the loaded network."""
    from mmcore.encoders import efficientnet
    from mmcore.encoders.compute.device import Compute

    compute = Compute("cpu", "float32")
    assert efficientnet.network(compute, RuntimeSpec()) is efficientnet.network(
        compute, RuntimeSpec()
    )
