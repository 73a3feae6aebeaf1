"""Trainings on a GPU beside bare loops: parts of benchmarks.gpu.

The bare loops take prepared arrays and token ids from memory, as ours does after its first pass.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import torch
from PIL import Image, ImageDraw

from benchmarks.gpu_models import SHAPES
from benchmarks.measured import Figures
from mmcore.encoders.families.towers_network import Towers
from mmcore.encoders.families.towers_words import Vocabulary
from mmcore.errors import TrainingError
from mmcore.specs import RuntimeSpec
from mmcore.training.dataset.media import MultiModalDataset
from mmcore.training.finetuning.spec import FinetuneSpec
from mmcore.training.finetuning.train import finetune as finetuned
from mmcore.training.loop.curves import Point
from mmcore.training.towers.batches import Batch, Batches
from mmcore.training.towers.card import config_of
from mmcore.training.towers.loop import Course
from mmcore.training.towers.objective import Objective
from mmcore.training.towers.spec import TowersSpec
from mmcore.training.towers.train import sizes, train_retrieval_model
from tests.made import toys

EPOCHS: Final = 5
METHODS: Final = {"lora": 1e-3, "last-blocks": 3e-4}
_COLOURS: Final = ("red", "green", "blue", "black", "white", "orange", "purple", "cyan", "brown")
_LINEAR: Final = r".*encoder\.layers\.\d+\..*\.(q_proj|k_proj|v_proj|out_proj|fc1|fc2)"
_BATCH: Final = 64


def pairs(folder: Path, count: int) -> Path:
    """Pictures of a coloured part on a coloured ground, with captions."""
    places = {"left": (0, 0, 47, 95), "right": (48, 0, 95, 95), "top": (0, 0, 95, 47)}
    folder.mkdir(parents=True)
    kinds = [*product(_COLOURS, places, _COLOURS)]
    for number in range(count):
        colour, place, ground = kinds[number % len(kinds)]
        image = Image.new("RGB", (96, 96), ground)
        ImageDraw.Draw(image).rectangle(places[place], fill=colour)
        image.putpixel((5, 5), (number % 256, number // 256, 7))  # no two files are the same
        image.save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"{number}: {colour} {place} on {ground}", "utf-8")
    return folder


def finetune(name: str, root: Path, runtime: RuntimeSpec, count: int | None = None) -> Figures:
    """LoRA and last blocks of a SigLIP 2: whether they learn, and how long a step takes."""
    device = "cuda" if runtime.device.startswith("cuda") else runtime.device
    base = SHAPES[name].make(root / name)
    told: Figures = {"batch_size": _BATCH, "pairs": count or 1000}
    with TemporaryDirectory() as place:
        source = pairs(Path(place, "pairs"), count or 1000)
        for method in METHODS:
            spec = _spec(method, device)
            told[method] = _tuned(base, source, Path(place, method), spec)
            told[method] |= _bare_step(base, spec)
            ratio = told[method]["bare_step_ms"] / told[method]["step_ms"]
            told[method]["bare over ours"] = round(ratio, 3)
            print(method, json.dumps(told[method]), file=sys.stderr, flush=True)
        if device == "cuda":
            told["too little memory"] = _refused(base, source, Path(place, "no"))
    return told


def _spec(method: str, device: str, **fields: Any) -> FinetuneSpec:
    usual: dict[str, Any] = {"epochs": EPOCHS, "patience": EPOCHS, "validation": 0.05}
    usual |= {"batch_size": _BATCH, "keep_anyway": True, "device": device}
    rate = METHODS[method]
    return FinetuneSpec(**{**usual, "method": method, "learning_rate": rate, **fields})


def _tuned(base: Path, source: Path, to: Path, spec: FinetuneSpec) -> Figures:
    """A training: losses, seconds of a step (with those of validation), memory."""
    times: list[float] = []
    _reset(spec.device)
    found = finetuned(
        "siglip2", base, source, to, spec, progress=lambda _: times.append(_now(spec.device))
    )
    steps = -(-found.counts["items"]["train"] // spec.batch_size)
    seconds = (times[-1] - times[0]) / (len(times) - 1) / steps
    losses = [round(point.values["loss"], 4) for point in found.points[1:]]
    held = [round(point.values["held_out_loss"], 4) for point in found.points]
    told: Figures = {"loss": losses, "held-out loss": held, "step_ms": round(1000 * seconds, 2)}
    told |= {"RR before": round(found.before["RR"], 4), "RR after": round(found.after["RR"], 4)}
    return told | {"steps of an epoch": steps, "written": found.folder is not None} | _peak(spec)


def _bare_step(base: Path, spec: FinetuneSpec) -> Figures:
    """Milliseconds of a step of the same model in a loop of transformers, peft and torch."""
    from transformers import SiglipModel

    model = SiglipModel.from_pretrained(base).to(spec.device).train()
    _let_learn(model, spec)
    learnt = [one for one in model.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=1e-6)
    config = model.config
    side, words = config.vision_config.image_size, config.text_config.vocab_size
    rng, rows = np.random.default_rng(0), spec.batch_size
    pixels = rng.integers(0, 256, (4, rows, side, side, 3), dtype=np.uint8)
    ids = rng.integers(5, words, (4, rows, config.text_config.max_position_embeddings))
    _reset(spec.device)
    times = [_now(spec.device)]
    for step in range(25):
        optimiser.zero_grad(set_to_none=True)
        _loss(model, pixels[step % 4], ids[step % 4], spec.device).backward()
        optimiser.step()
        times.append(_now(spec.device))
    peak = {f"bare_{key}": value for key, value in _peak(spec).items()}
    return {"bare_step_ms": round(1000 * float(np.median(np.diff(times)[5:])), 2)} | peak


def _let_learn(model: Any, spec: FinetuneSpec) -> None:
    """The same parameters as ours."""
    model.requires_grad_(False)
    if spec.method == "lora":
        from peft import LoraConfig, LoraModel

        how = {"r": spec.rank, "lora_alpha": spec.alpha, "target_modules": _LINEAR}
        LoraModel(model, LoraConfig(**how, bias="none"), "default")
    else:
        for tower in (model.text_model, model.vision_model):
            for part in (*tower.encoder.layers[-spec.blocks :], tower.head):
                part.requires_grad_(True)
        model.text_model.final_layer_norm.requires_grad_(True)
        model.vision_model.post_layernorm.requires_grad_(True)
    model.logit_scale.requires_grad_(True)
    model.logit_bias.requires_grad_(True)


def _loss(model: Any, pixels: Any, ids: Any, device: str) -> Any:
    """The sigmoid loss of a batch."""
    normal = torch.nn.functional.normalize
    kind = device.partition(":")[0]
    with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
        shaped = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        seen = model.vision_model(shaped).pooler_output
        said = model.text_model(torch.from_numpy(ids).to(device)).pooler_output
    scores = normal(said.float(), dim=-1) @ normal(seen.float(), dim=-1).T
    scores = scores * model.logit_scale.exp() + model.logit_bias
    signs = 2 * torch.eye(len(scores), device=device) - 1
    return -torch.nn.functional.logsigmoid(signs * scores).sum(dim=1).mean()


def _refused(base: Path, source: Path, to: Path) -> str:
    """What a training says that has a fiftieth of the memory."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.02)
    try:
        finetuned("siglip2", base, source, to, _spec("lora", "cuda", batch_size=800))
    except TrainingError as error:
        return f"{error} (folder there: {to.exists()})"
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    return "it went through"


class _InterruptedError(Exception):
    """Ends a training from outside."""


def towers(name: str, root: Path, runtime: RuntimeSpec, count: int | None = None) -> Figures:
    """The three towers: runs alike, one resumed, and a step from memory beside a bare loop."""
    del name, root
    device = "cuda" if runtime.device.startswith("cuda") else runtime.device
    told: Figures = {}
    with TemporaryDirectory() as place:
        world = toys.folder(Path(place, "media"), each=count or 24)
        spec = TowersSpec(device=device, epochs=EPOCHS + 1, rate=1e-3)
        made = {}
        for run in ("whole", "again"):
            _reset(device)
            started = time.perf_counter()
            made[run] = train_retrieval_model(world, Path(place, run), spec)
            told[f"{run}_s"] = round(time.perf_counter() - started, 2)
        made["resumed"] = _resumed(world, Path(place, "resumed"), spec)
        whole = _losses(made["whole"].points)
        told |= {"loss": [round(one, 4) for one in whole]} | _peak(spec)
        for run in ("again", "resumed"):
            apart = np.abs(np.array(_losses(made[run].points)) / np.array(whole) - 1)
            told[f"{run}: losses apart, most"] = float(apart.max())
        told["scores"] = {k: round(v, 3) for k, v in made["whole"].scores.items() if "RR" in k}
        told |= _tower_steps(world, spec, Path(place, "steps"))
    return told


def _losses(points: Sequence[Point]) -> list[float]:
    return [point.values["loss"] for point in points]


def _resumed(world: Path, to: Path, spec: TowersSpec) -> Any:
    """A training that ended after half of its epochs, and went on."""

    def stop(point: Point) -> None:
        if point.epoch == spec.epochs // 2:
            raise _InterruptedError

    try:
        train_retrieval_model(world, to, spec, progress=stop)
    except _InterruptedError:
        return train_retrieval_model(world, to, spec, resume=True)
    raise RuntimeError("the training was not interrupted")


class _Kept:
    """The batches of one pass, in memory, for as many passes as are wanted."""

    def __init__(self, batches: list[Batch]) -> None:
        self.batches, self.steps = batches, len(batches)

    def training(self, epoch: int) -> Iterator[Batch]:
        """The same in each epoch."""
        del epoch
        return iter(self.batches)


def _tower_steps(world: Path, spec: TowersSpec, folder: Path) -> Figures:
    """Milliseconds of a step: of a course, of a bare loop, and of reading alone."""
    dataset = MultiModalDataset(world, "train", spec.dataset)
    words = (caption.text for of in dataset.texts for caption in of)
    shape = spec.network
    vocabulary = Vocabulary.of(words, shape.words, shape.least, shape.dictionaries)
    config = config_of(spec, vocabulary, tuple(dataset.classes))
    reading = Batches(dataset, vocabulary, spec)
    list(reading.training(1))
    started = time.perf_counter()
    kept = _Kept(list(reading.training(2)))
    told: Figures = {"reading_step_ms": 1000 * (time.perf_counter() - started) / kept.steps}
    torch.manual_seed(0)
    network = Towers(sizes(spec, config)).to(spec.device)
    objective = Objective(network, spec)
    course = Course(objective, kept, None, spec.device, folder, "")  # type: ignore[arg-type]
    told["step_ms"] = _per_step(lambda: course._pass(1), kept.steps, spec.device)
    told["bare_step_ms"] = _per_step(lambda: _bare_pass(objective, kept), kept.steps, spec.device)
    found: Figures = {key: round(value, 2) for key, value in told.items()}
    return found | {"bare over ours": round(told["bare_step_ms"] / told["step_ms"], 3)}


def _bare_pass(objective: Objective, kept: _Kept) -> None:
    """The same steps without looking at the loss."""
    network, spec = objective.network, objective.spec
    optimiser = torch.optim.AdamW(network.parameters(), 1e-4)
    kind = spec.device.partition(":")[0]
    for here in kept.batches:
        batch = here.to(spec.device)
        with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
            features = network.features(batch.inputs)
        loss = objective.loss(batch, features, None)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), spec.clip)
        optimiser.step()


def _per_step(work: Callable[[], Any], steps: int, device: str) -> float:
    times = [_now(device)]
    for _ in range(6):
        work()
        times.append(_now(device))
    return 1000 * float(np.median(np.diff(times)[1:])) / steps


def _now(device: str) -> float:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter()


def _reset(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()


def _peak(spec: FinetuneSpec | TowersSpec) -> Figures:
    if not spec.device.startswith("cuda"):
        return {}
    return {"peak_mb": torch.cuda.max_memory_allocated() // 2**20}
