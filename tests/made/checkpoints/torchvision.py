"""Classification models of torchvision with random weights, and pictures to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import models

from mmcore.encoders.families.backbone_facts import config_of

EXAMPLES = Path(__file__).parents[3] / "examples" / "media"
SMALL = "shufflenet_v2_x0_5"


def make(folder: Path) -> Path:
    """Write a small one."""
    return write(folder, SMALL)


def photos(count: int = 4) -> list[Image.Image]:
    """Real pictures of the examples, of odd sizes, lying and standing."""
    found = sorted(EXAMPLES.glob("*/*.jpg"))[:count]
    sizes = [(301, 223), (199, 333), (640, 257), (257, 259)]
    return [
        Image.open(path).convert("RGB").resize(sizes[n % len(sizes)])
        for n, path in enumerate(found)
    ]


def write(folder: Path, name: str) -> Path:
    """A folder with config.json and model.safetensors of the architecture ``name``."""
    folder.mkdir(parents=True, exist_ok=True)
    state = state_of(name)
    save_file({key: one.contiguous() for key, one in state.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config_of(name)), "utf-8")
    return folder


def state_of(name: str) -> dict[str, torch.Tensor]:
    """Random weights that tell pictures apart, as a state dict of torch with its metadata."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        aux = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
        model = models.get_model(name, weights=None, **aux)
        shake(model)
        settle(model, name)
    return model.state_dict()


def shake(model: torch.nn.Module) -> None:
    """Make weights large enough that what goes in can be told from what comes out."""
    for path, values in model.named_parameters():
        if "layer_scale" in path:
            torch.nn.init.constant_(values, 0.5)
        elif values.ndim > 1:
            fan = values[0].numel()
            torch.nn.init.normal_(values, std=1.5 / fan**0.5)
        elif path.endswith("bias"):
            torch.nn.init.normal_(values, std=0.1)


def settle(model: Any, name: str) -> None:
    """Let batch norms see the pictures, so that no layer's output vanishes or explodes."""
    norms = [one for one in model.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    if not norms:
        return
    shaped = models.get_model_weights(name)["DEFAULT"].transforms()
    for norm in norms:
        norm.momentum = None
    with torch.no_grad():
        model.train()(torch.stack([shaped(image) for image in photos()]))
