"""CPU time of the image encoder per picture, beside the network as its package gives it.

    make data && python -m benchmarks.image_encoder data/stamps

"plain" is the package's own network in float32, in batches of 32 and one by one; ours are the
product's encoder in float32 and, where the CPU multiplies it fast, in bfloat16. All take turns in
one process over the same pictures, decoded before; the least CPU time of each counts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.machine import describe
from mmcore.encoders import efficientnet
from mmcore.encoders.compute.device import FAST_BFLOAT16, cpu_flags
from mmcore.encoders.embedded_image import build_image
from mmcore.encoders.lite0 import SIDE
from mmcore.media.images.fit import square
from mmcore.specs import RuntimeSpec, SegmentationSpec

BATCH = 32
ROUNDS = 5
Pixels = NDArray[np.uint8]


def pictures(data: Path, count: int) -> Pixels:
    """(count, 224, 224, 3): the first pictures of the set, over white."""
    paths = sorted((data / "media").rglob("*.png"))[:count]
    return np.stack([square(over_white(path), SIDE) for path in paths])


def over_white(path: Path) -> Image.Image:
    """A picture as RGB, its transparency over white."""
    with Image.open(path) as image:
        rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def plain(batch: int) -> Callable[[Pixels], NDArray[np.float32]]:
    """The package's network, untouched: pooled features in float32."""
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(efficientnet.state())
    net.eval()

    def run(pixels: Pixels) -> NDArray[np.float32]:
        found = []
        with torch.inference_mode():
            for start in range(0, len(pixels), batch):
                part = torch.from_numpy(np.array(pixels[start : start + batch]))
                scaled = (part.permute(0, 3, 1, 2).float() - 127) / 128
                found.append(net.extract_features(scaled).mean((2, 3)))
        return torch.cat(found).numpy()

    return run


def ours(dtype: str) -> Callable[[Pixels], NDArray[np.float32]]:
    """The product's encoder."""
    runtime = RuntimeSpec(device="cpu", dtype=dtype, batch_size=BATCH)
    return build_image(SegmentationSpec(), runtime).encode


def cpu_milliseconds(run: Callable[[Pixels], object], pixels: Pixels) -> float:
    """CPU time of all threads, per picture."""
    started = time.process_time()
    run(pixels)
    return 1000 * (time.process_time() - started) / len(pixels)


def main() -> None:
    """Measure, print one table and a JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", type=int, default=128)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    pixels = pictures(arguments.data, arguments.pictures)
    runs = {"plain fp32, batch 32": plain(BATCH), "plain fp32, batch 1": plain(1)}
    runs["ours fp32"] = ours("float32")
    if FAST_BFLOAT16 & cpu_flags():
        runs["ours bf16"] = ours("bfloat16")
    for run in runs.values():
        run(pixels[:BATCH])
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            times[name].append(cpu_milliseconds(run, pixels))
    best = {name: min(of) for name, of in times.items()}
    base, single = best["plain fp32, batch 32"], best["plain fp32, batch 1"]
    print(describe())
    print("| image encoder | cpu-ms per picture | of plain, batch 32 | of plain, batch 1 |")
    print("|---|---|---|---|")
    for name, value in best.items():
        print(f"| {name} | {value:.1f} | {value / base:.2f} | {value / single:.2f} |")
    print(json.dumps({"machine": describe(), "cpu_ms": best, "all": times}))


if __name__ == "__main__":
    main()
