"""What a GPU makes of our encoders and trainings, beside bare loops of the same modules on it.

    python -m benchmarks.gpu encoders vit-b-32 siglip2-base-224 --json encoders.json
    python -m benchmarks.gpu memory siglip2-so400m-384
    python -m benchmarks.gpu shards siglip2-base-224
    python -m benchmarks.gpu finetune siglip2-base-224
    python -m benchmarks.gpu towers

encoders: contents a second from prepared arrays (or texts) in memory to vectors in memory, by
    ``encode`` as a run calls it. Beside it, in batches of the same size and at the same precision:
    "module", whose inputs (of texts: token ids) lie on the GPU, and "loop", which copies each
    batch there and its vectors back (of texts: makes the tokens, too). Peak memory; whether a
    second run has the same bits; cosines against float32 on the CPU, as they are and around the
    mean, which random weights need to tell inputs apart.
memory: a run that may take little of the GPU: batches are halved, and it finishes.
shards: ``embed`` over shards of 256 that are prepared already, and while others decode JPEGs of
    1.2 MP; the share of the time that the GPU waits, by what the module alone takes.
finetune: LoRA and last blocks, a step beside a bare loop with the same library for LoRA.
towers: the three towers, interrupted and resumed; steps from memory beside a bare loop.

All weights are random ones of published shapes (benchmarks.gpu_models). Each model is measured in
a process of its own. ``--device cpu`` tries the benchmark itself.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import torch

from benchmarks import gpu_training
from benchmarks.gpu_models import SHAPES, corpus, inputs_of, token_batches
from benchmarks.jpeg_rate import photograph
from benchmarks.measured import Figures, in_process
from benchmarks.throughput import _shards
from mmcore.decoding.prepare import prepare
from mmcore.embedding.embed import embed
from mmcore.encoders.base import encoders
from mmcore.encoders.compute.batches import ON_A_GPU, TYPICAL, forget
from mmcore.encoders.compute.loaded import free
from mmcore.encoders.compute.meter import metered
from mmcore.encoders.embed import PORTION
from mmcore.media.prepared import Prepared
from mmcore.specs import LimitsSpec, PlanSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Content, Shard
from storage.schemas import Modality, content_id

CUT: Final = SegmentationSpec()
SHARD: Final = PlanSpec().shard_contents
AT_ONCE: Final = 3  # as flows.engines.lanes.shards_at_once says of a lone GPU
TOKENS: Final = ON_A_GPU * TYPICAL
COUNTS: Final = {"siglip2-so400m-384": 1536, "clap": 1024, "e5-small": 32768}
CHECKED: Final = {"siglip2-so400m-384": 16, "vit-l-14": 32, "e5-large": 32}


def synchronised(device: str) -> float:
    """The time when the device has done all that it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return time.perf_counter()


def timed(device: str, work: Callable[[], Any], rounds: int = 3) -> float:
    """Seconds of ``work``, the median of some rounds, after one that does not count."""
    seconds = []
    for _ in range(rounds + 1):
        started = synchronised(device)
        work()
        seconds.append(synchronised(device) - started)
    return median(seconds[1:])


class Case:
    """One model: its checkpoint, its encoder on the device, inputs in memory."""

    def __init__(self, name: str, root: Path, runtime: RuntimeSpec, count: int) -> None:
        self.name, self.shape = name, SHAPES[name]
        self.folder = self.shape.make(root / name)
        models = {self.shape.preset: str(self.folder.absolute())}
        self.runtime = runtime.model_copy(update={"models": models})
        self.encoder: Any = self._made(self.runtime)
        self.inputs = inputs_of(self.encoder, count)

    def _made(self, runtime: RuntimeSpec) -> Any:
        return encoders.get(self.shape.encoder)(CUT, runtime)

    @property
    def device(self) -> str:
        """Where the encoder runs."""
        return str(self.encoder.compute["device"])

    @property
    def dtype(self) -> torch.dtype:
        """How precisely."""
        found: torch.dtype = getattr(torch, self.encoder.compute["dtype"])
        return found

    def encode(self) -> Any:
        """Vectors of all inputs, in portions, as a shard's are computed."""
        starts = range(0, len(self.inputs), PORTION)
        parts = [self.encoder.encode(self.inputs[start : start + PORTION]) for start in starts]
        return np.concatenate(parts)

    def on_cpu(self, count: int) -> Any:
        """Vectors of the first inputs in float32 on the CPU."""
        exact = self.runtime.model_copy(update={"device": "cpu", "dtype": "float32"})
        return self._made(exact).encode(self.inputs[:count])


def encoder(name: str, root: Path, runtime: RuntimeSpec, count: int | None = None) -> Figures:
    """The figures of one model."""
    count = count or COUNTS.get(name, 8192)
    case = Case(name, root, runtime, count)
    device = case.device
    case.encoder.encode(case.inputs[:8])
    _reset(device)
    with metered() as meter:
        first = case.encode()
    told: Figures = {"compute": dict(case.encoder.compute), "contents": count}
    told["batches"] = {str(rows): n for rows, n in sorted(meter.batches.items())}
    told |= _peak(device)
    told["same bits twice"] = bool(np.array_equal(first, case.encode()))
    ours = timed(device, case.encode)
    told["ours_per_s"] = round(count / ours, 1)
    told |= _against_cpu(first, case.on_cpu(min(count, CHECKED.get(name, 100))))
    free()
    bare = {how: count / seconds for how, seconds in _bare(case, max(meter.batches))}
    for how, rate in bare.items():
        told[f"{how}_per_s"] = round(rate, 1)
        told[f"ours over {how}"] = round(count / ours / rate, 3)
    return told


def _bare(case: Case, rows: int) -> Iterator[tuple[str, float]]:
    """Seconds of all inputs in the module alone, and in a loop that copies."""
    device = case.device
    run = case.shape.bare(case.folder, device, case.dtype)
    batches = _batches(case, rows)
    here = [_to(batch, device) for batch in batches]

    def loop() -> None:
        with torch.inference_mode():
            for batch in _portions(case) if _reads_texts(case) else batches:
                run(_to(batch, device)).float().cpu()

    def module() -> None:
        with torch.inference_mode():
            for batch in here:
                run(batch)

    yield "module", timed(device, module)
    yield "loop", timed(device, loop)


def _batches(case: Case, rows: int) -> list[Any]:
    if _reads_texts(case):
        return token_batches(case.folder, case.inputs, TOKENS)
    return [case.inputs[start : start + rows] for start in range(0, len(case.inputs), rows)]


def _portions(case: Case) -> Iterator[Any]:
    """Batches of texts, tokens made meanwhile."""
    for start in range(0, len(case.inputs), PORTION):
        yield from token_batches(case.folder, case.inputs[start : start + PORTION], TOKENS)


def _to(batch: Any, device: str) -> Any:
    if isinstance(batch, tuple):
        return tuple(torch.from_numpy(one).to(device) for one in batch)
    return torch.from_numpy(batch).to(device)


def _reset(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: str) -> Figures:
    if not device.startswith("cuda"):
        return {}
    taken, kept = torch.cuda.max_memory_allocated(device), torch.cuda.max_memory_reserved(device)
    return {"peak_mb": taken // 2**20, "reserved_mb": kept // 2**20}


def _against_cpu(there: Any, here: Any) -> Figures:
    """Cosines of equal inputs, least of all; centred; and the median of different inputs."""
    there, here = there[: len(here)].astype(np.float64), here.astype(np.float64)
    centre = here.mean(axis=0)
    a, b = there - centre, here - centre
    centred = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    others = (here @ here.T)[~np.eye(len(here), dtype=bool)]
    return {
        "cosine, least": float((there * here).sum(1).min()),
        "centred cosine, least": float(centred.min()),
        "cosine of others, median": float(np.median(others)),
        "checked": len(here),
    }


class _Heard(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def memory(name: str, root: Path, runtime: RuntimeSpec, count: int | None = None) -> Figures:
    """What a run does that may take as little of the GPU as ``runtime`` says."""
    case, heard = Case(name, root, runtime, count or 600), _Heard()
    logging.getLogger("mmcore").addHandler(heard)
    told: Figures = {"device_bytes": runtime.device_bytes}
    with metered() as meter:
        vectors = case.encode()
    told |= {"halved": meter.halved, "settled": meter.settled, "told": heard.lines}
    told |= {"batches": {str(rows): n for rows, n in sorted(meter.batches.items())}}
    told |= {"finite": bool(np.isfinite(vectors).all())} | _peak(case.device)
    started = time.perf_counter()
    again = case.encode()
    told["second run, per_s"] = round(len(again) / (time.perf_counter() - started), 1)
    forget()
    return told


def shards(name: str, root: Path, runtime: RuntimeSpec, count: int | None = None) -> Figures:
    """Shards in turn, prepared already and while others are decoded."""
    case = Case(name, root, runtime, 2)
    every = _of_texts(case, count or 16384) if _reads_texts(case) else _of_jpegs(case, count)
    specs = (CUT, LimitsSpec(), case.runtime)
    with TemporaryDirectory() as staging, ThreadPoolExecutor(os.cpu_count()) as pool:
        started = time.perf_counter()
        places = [Path(staging, str(number)) for number in range(len(every))]
        ready = list(pool.map(lambda one, to: prepare(one, *specs, to), every, places))
        decoding = time.perf_counter() - started
        case.inputs = _inputs(case, ready)
        count = len(case.inputs)
        told: Figures = {"contents": count, "decoding_per_s": round(count / decoding, 1)}
        seconds, works = _embedded(case, ready)
        told |= {"shards": len(ready), "prepared_per_s": round(count / seconds, 1)}
        told["prepared: share in the model"] = round(
            sum(works) / len(works) * len(ready) / seconds, 3
        )
        started = time.perf_counter()
        arriving = pool.map(lambda one, to: prepare(one, *specs, to), every, places)
        _embedded(case, arriving)
        whole = time.perf_counter() - started
    told["with decoding_per_s"] = round(count / whole, 1)
    module = dict(_bare(case, 256))["module"]
    told["module_per_s"] = round(count / module, 1)
    told["prepared: the GPU waits"] = round(1 - module / seconds, 3)
    told["with decoding: the GPU waits"] = round(1 - module / whole, 3)
    return told


def _reads_texts(case: Case) -> bool:
    return case.encoder.shape is None


def _of_jpegs(case: Case, count: int | None) -> list[Any]:
    """Shards over the same 256 files, until there are ``count`` contents."""
    count = count or 4096
    folder = _jpegs(case.folder.parent / "jpegs", min(count, 256))
    made = _shards(folder, case.encoder.key)
    size = sum(len(one.contents) for one in made)
    return [one for _ in range(max(1, count // size)) for one in made]


def _jpegs(folder: Path, count: int) -> Path:
    """JPEGs of 1.2 MP, made on all cores."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05d}.jpg" for number in range(count)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        list(pool.map(_save_photograph, range(count), paths))
    return folder


def _save_photograph(number: int, path: Path) -> None:
    if not path.exists():
        photograph(number).save(path, quality=80)


def _of_texts(case: Case, count: int) -> list[Any]:
    """Shards of 256 captions."""
    contents = [
        Content(
            content_id(f"{place}{text}".encode()),
            Modality.TEXT,
            "text/plain",
            len(text),
            "r",
            f"{place}.txt",
            "",
            text=text,
        )
        for place, text in enumerate(corpus(count))
    ]
    return [
        Shard(case.encoder.key, tuple(contents[start : start + SHARD]))
        for start in range(0, count, SHARD)
    ]


def _inputs(case: Case, ready: Sequence[Prepared]) -> Any:
    if _reads_texts(case):
        return [text for one in ready for text in one.segments()["text"].to_pylist()]
    return np.concatenate([one.arrays() for one in ready])


def _embedded(case: Case, ready: Any) -> tuple[float, list[float]]:
    """Seconds of all shards, as many at once as a run submits, and of each in the model.

    The first, which loads the model, counts as much as the others do on average.
    """
    prepared: Iterator[Prepared] = iter(ready)
    embed(next(prepared), CUT, case.runtime)  # the model is loaded
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda one: embed(one, CUT, case.runtime).work.seconds, prepared)
        works = list(found)
    return (time.perf_counter() - started) * (len(works) + 1) / len(works), works


PARTS: Final[dict[str, Callable[..., Figures]]] = {
    "encoders": encoder,
    "memory": memory,
    "shards": shards,
    "finetune": gpu_training.finetune,
    "towers": gpu_training.towers,
}


def describe() -> str:
    """The card and the versions."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{name}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, {_versions()}"


def _versions() -> str:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in ("torch", "transformers", "open_clip_torch", "peft", "numpy"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one part for some models, each in a process, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("models", nargs="*", help=f"of {', '.join(SHAPES)}")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--bytes", type=int, help="memory that may be taken of the GPU")
    parser.add_argument("--count", type=int, help="contents, or pairs")
    parser.add_argument("--root", type=Path, default=Path("data/gpu"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--alone", action="store_true", help="in this process")
    told = parser.parse_args(arguments)
    runtime = RuntimeSpec(device=told.device, dtype=told.dtype, device_bytes=told.bytes)
    if told.alone:
        name = told.models[0] if told.models else "towers"
        print(json.dumps(PARTS[told.part](name, told.root, runtime, told.count)))
        return
    found: Figures = {"machine": describe()}
    options = [f"--{k}={v}" for k, v in vars(told).items() if v and k in _PASSED]
    for name in told.models or ["towers"]:
        found[name] = in_process("benchmarks.gpu", told.part, name, "--alone", *options)
        print(name, json.dumps(found[name], ensure_ascii=False), file=sys.stderr, flush=True)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    if told.json:
        told.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), "utf-8")


_PASSED: Final = ("device", "dtype", "bytes", "count", "root")

if __name__ == "__main__":
    main()
