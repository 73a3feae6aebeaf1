"""Throughput of the encoders beside their peers: same files, same weights, same cores, in turn.

    python -m benchmarks.throughput images --peer PEERS/bin/python --json images.json
    python -m benchmarks.throughput texts --peer .venv/bin/python
    python -m benchmarks.throughput sounds
    python -m benchmarks.throughput memory

images: ViT-B/32 over JPEGs of 1.2 MP, `mmindex index` beside `clip-retrieval inference`, with the
    dtype that probing chooses and in float32. Each program runs over 200 and over 1,200 pictures;
    the difference is what 1,000 pictures take, without starting up. Beside it what bounds us: the
    model alone over prepared arrays, and decoding alone.
texts: multilingual E5 small's size, 20,000 texts, beside sentence-transformers' ``encode``.
sounds: CLAP's audio tower, beside its extractor and model in a loop.
memory: the most memory (PSS, all processes of a run) over 2,000 and over 20,000 pictures.

All weights are random ones of the real size.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import throughput_data as data
from benchmarks.indexed import index
from benchmarks.machine import describe
from benchmarks.measured import Figures, in_process, measured, timed
from benchmarks.peers import clip_retrieval_rate

ROOT: Final = Path("data/throughput")
FEW, MANY = 200, 1200
PEERS: Final = Path(__file__).parent / "peers"


def images(peer: Path | None, rounds: int) -> Figures:
    """Seconds that a picture takes, of ours and of clip-retrieval, and what bounds ours."""
    every = data.pictures(ROOT / "jpegs", MANY)
    folders = {n: data.beginning(every, ROOT / f"jpegs-{n}", n) for n in (FEW, MANY)}
    weights = data.openclip_weights(ROOT / "vit-b-32")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        runs: dict[str, Callable[[int], Figures]] = {
            name: _ours(folders, weights, out, dtype)
            for name, dtype in (("mmindex", "auto"), ("mmindex float32", "float32"))
        }
        if peer:
            runs["clip-retrieval"] = lambda n: clip_retrieval_rate.inference(
                peer, folders[n], weights / "state.pt", _fresh(out / f"peer-{n}")
            )
        told = _marginal(runs, rounds)
        if peer:
            theirs = clip_retrieval_rate.vectors(out / f"peer-{MANY}")
            for name in ("auto", "float32"):
                told[f"cosine {name}"] = _alike(_lake_vectors(out / f"lake-{name}"), theirs)
    for dtype in ("auto", "float32"):
        arguments = ("bounds", folders[MANY], weights, dtype)
        told[f"bounds {dtype}"] = in_process("benchmarks.throughput", *arguments)
    return told | _ratios(told)


def _ours(
    folders: Mapping[int, Path], weights: Path, out: Path, dtype: str
) -> Callable[[int], Figures]:
    lake = out / f"lake-{dtype}"

    def run(count: int) -> Figures:
        command = [sys.executable, "-m", "flows.cli", "index", f"pictures={folders[count]}"]
        command += ["--lake", str(_fresh(lake)), "--preset", f"clip:{weights.absolute()}"]
        command += ["--device", "cpu", "--set", f"runtime.dtype={dtype}", "--json"]
        return timed(command)

    return run


def _fresh(folder: Path) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    return folder


def _marginal(runs: Mapping[str, Callable[[int], Figures]], rounds: int) -> Figures:
    """By name: milliseconds of a picture more, the least of the rounds, and all of them."""
    found: dict[str, list[Figures]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            few, many = run(FEW), run(MANY)
            each = {k: 1000 * (many[k] - few[k]) / (MANY - FEW) for k in ("wall_s", "cpu_s")}
            found[name].append({"wall_ms": each["wall_s"], "cpu_ms": each["cpu_s"]})
            print(name, found[name][-1], file=sys.stderr, flush=True)
    return {name: _least(rows) | {"rounds": rows} for name, rows in found.items()}


def _least(rows: list[Figures]) -> Figures:
    return {key: round(min(row[key] for row in rows), 2) for key in ("wall_ms", "cpu_ms")}


def bounds(folder: str, weights: str, dtype: str) -> Figures:
    """Milliseconds of a picture in the model alone, and in decoding alone, on all cores."""
    from mmcore.decoding.prepare import prepare
    from mmcore.encoders.presets import encoders_of, runtime_of
    from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
    from storage.schemas import Modality

    preset = f"clip:{Path(weights).absolute()}"
    runtime = runtime_of(preset, RuntimeSpec(device="cpu", dtype=dtype))
    made = encoders_of(preset, SegmentationSpec(), runtime)
    encoder = next(one for one in made if one.key.modality is Modality.IMAGE)
    shards = _shards(Path(folder), encoder.key)
    told: Figures = {"compute": dict(encoder.compute)}
    with tempfile.TemporaryDirectory() as staging, ThreadPoolExecutor(os.cpu_count()) as pool:
        specs = (SegmentationSpec(), LimitsSpec(), runtime, Path(staging))
        todo = [pool.submit(prepare, one, *specs, thumbnail_side=160) for one in shards[:2]]
        warm = [one.result() for one in todo]
        count = sum(len(one.contents) for one in shards)
        wall = time.perf_counter()
        ready = list(pool.map(lambda one: prepare(one, *specs, thumbnail_side=160), shards))
        told["decoding_wall_ms"] = 1000 * (time.perf_counter() - wall) / count
        arrays = [one.arrays() for one in ready]
        encoder.encode(warm[0].arrays()[:64])
        with measured(model := {}):
            for array in arrays:
                encoder.encode(array)
    told["model_wall_ms"] = 1000 * model["wall_s"] / count
    told["model_cpu_ms"] = 1000 * model["cpu_s"] / count
    return told


def _shards(folder: Path, key: Any) -> list[Any]:
    from mmcore.specs import PlanSpec
    from mmcore.types import Content, Shard
    from storage.schemas import Modality, content_id

    contents = []
    for path in sorted(folder.iterdir()):
        status = path.stat()
        told = (content_id(path.read_bytes()), Modality.IMAGE, "image/jpeg", status.st_size)
        place = str(path.absolute())
        contents.append(Content(*told, "r", path.name, place, mtime_ns=status.st_mtime_ns))
    size = PlanSpec().shard_contents
    return [
        Shard(key, tuple(contents[start : start + size]))
        for start in range(0, len(contents), size)
    ]


def _lake_vectors(lake: Path) -> dict[str, NDArray[np.float32]]:
    from storage.layout import Layout
    from storage.schemas import Modality
    from storage.snapshot import Snapshot

    snapshot = Snapshot.open(Layout(lake))
    ids, vectors = snapshot.cells(Modality.IMAGE)
    of = dict(zip(ids.tolist(), vectors, strict=True))
    rows = snapshot.rows(f"segments/{Modality.IMAGE}", ["segment_id", "content_id"]).to_pylist()
    files = snapshot.rows("files", ["content_id", "path"]).to_pylist()
    names = {row["content_id"]: Path(row["path"]).stem for row in files}
    return {names[row["content_id"]]: of[row["segment_id"]] for row in rows}


def _alike(
    ours: Mapping[str, NDArray[np.float32]], theirs: Mapping[str, NDArray[np.float32]]
) -> Figures:
    if ours.keys() != theirs.keys():
        raise ValueError(f"{len(ours)} pictures of ours, {len(theirs)} of the peer's")
    cosines = np.array([float(ours[name] @ theirs[name]) for name in ours])
    return {"min": float(cosines.min()), "median": float(np.median(cosines))}


def _ratios(told: Figures) -> Figures:
    found: Figures = {}
    for name, dtype in (("mmindex", "auto"), ("mmindex float32", "float32")):
        bound = told[f"bounds {dtype}"]
        slower = max(bound["model_wall_ms"], bound["decoding_wall_ms"])
        found[f"{name}: rate over the slower bound"] = round(slower / told[name]["wall_ms"], 3)
        if peer := told.get("clip-retrieval"):
            found[f"{name}: times the peer's rate, wall"] = round(
                peer["wall_ms"] / told[name]["wall_ms"], 2
            )
            found[f"{name}: times the peer's rate, CPU"] = round(
                peer["cpu_ms"] / told[name]["cpu_ms"], 2
            )
    return found


def texts(peer: Path, rounds: int, count: int = data.TEXTS) -> Figures:
    """Seconds of all texts, of ours and of sentence-transformers."""
    corpus = [*Path("docs").rglob("*.md"), *Path().glob("*.md"), *_captions()]
    made = data.texts(corpus, count)
    folder = data.e5_weights(ROOT / "e5-small", made)
    with tempfile.TemporaryDirectory() as told:
        listed, theirs, ours = (Path(told) / name for name in ("texts.json", "t.npy", "o.npy"))
        listed.write_text(json.dumps(made, ensure_ascii=False), "utf-8")
        script = PEERS / "sentence_transformers_encode.py"
        return _beside(
            lambda: _peer(peer, script, folder.absolute(), listed, theirs),
            lambda: in_process("benchmarks.throughput", "ours", "e5", folder, listed, ours),
            (theirs, ours),
            rounds,
        )


def _captions() -> list[Path]:
    return sorted(Path("data/stamps/media").rglob("*.txt"))


def sounds(peer: Path, rounds: int, count: int = 64) -> Figures:
    """Seconds of all clips, of ours and of the library's loop."""
    folder = data.clap_weights(ROOT / "clap")
    with tempfile.TemporaryDirectory() as told:
        waves, theirs, ours = (Path(told) / name for name in ("c.npy", "t.npy", "o.npy"))
        np.save(waves, data.clips(count))
        return _beside(
            lambda: _peer(peer, PEERS / "clap_loop.py", folder.absolute(), waves, theirs),
            lambda: in_process("benchmarks.throughput", "ours", "clap", folder, waves, ours),
            (theirs, ours),
            rounds,
        )


def _peer(python: Path, script: Path, *arguments: object) -> Figures:
    import subprocess

    command = [str(python), str(script), *map(str, arguments)]
    env = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=env)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _beside(
    peer: Callable[[], Figures],
    ours: Callable[[], Figures],
    vectors: tuple[Path, Path],
    rounds: int,
) -> Figures:
    found: dict[str, list[Figures]] = {"peer": [], "mmindex": []}
    for _ in range(rounds):
        for name, run in (("peer", peer), ("mmindex", ours)):
            found[name].append(run())
            print(name, found[name][-1], file=sys.stderr, flush=True)
    least = {
        n: {k: min(r[k] for r in rows) for k in ("wall_s", "cpu_s")} for n, rows in found.items()
    }
    theirs, own = (np.load(path).astype(np.float32) for path in vectors)
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    cosines = np.einsum("nd,nd->n", theirs, own)
    return {
        "least": least,
        "rounds": found,
        "times the peer's rate, wall": round(
            least["peer"]["wall_s"] / least["mmindex"]["wall_s"], 2
        ),
        "times the peer's rate, CPU": round(least["peer"]["cpu_s"] / least["mmindex"]["cpu_s"], 2),
        "cosine": {"min": float(cosines.min()), "median": float(np.median(cosines))},
    }


def ours(preset: str, weights: str, inputs: str, out: str) -> Figures:
    """Embed texts or clips by a preset, in this process; the first batch does not count."""
    from mmcore.encoders.base import encoders
    from mmcore.encoders.presets import runtime_of
    from mmcore.specs import RuntimeSpec, SegmentationSpec

    runtime = runtime_of(f"{preset}:{Path(weights).absolute()}", RuntimeSpec(device="cpu"))
    name = {"e5": "e5", "clap": "clap-audio"}[preset]
    encoder: Any = encoders.get(name)(SegmentationSpec(), runtime)
    portion = 4096 if preset == "e5" else 64
    told = json.loads(Path(inputs).read_text("utf-8")) if preset == "e5" else np.load(inputs)

    def shaped(rows: Any) -> Any:
        return rows if preset == "e5" else np.stack([encoder.prepare(row) for row in rows])

    encoder.encode(shaped(told[:8]))
    figures: Figures = {"compute": dict(encoder.compute)}
    with measured(figures):
        starts = range(0, len(told), portion)
        found = [encoder.encode(shaped(told[start : start + portion])) for start in starts]
    np.save(out, np.concatenate(found))
    return figures


def memory(few: int = 2000, many: int = 20_000) -> Figures:
    """The most that all processes of a run hold at once (PSS), over few and over many pictures."""
    every = data.small_pictures(ROOT / "small", many)
    folders = {n: data.beginning(every, ROOT / f"small-{n}", n) for n in (few, many)}
    weights = data.openclip_weights(ROOT / "vit-b-32")
    told: Figures = {}
    with tempfile.TemporaryDirectory() as out:
        for count, folder in folders.items():
            preset = f"clip:{weights.absolute()}"
            run = index(folder, _fresh(Path(out) / "lake"), "--device", "cpu", preset=preset)
            told[str(count)] = run.figures
    peaks = [told[str(n)]["peak_pss_mb"] for n in (few, many)]
    return told | {"apart": round(peaks[1] / peaks[0] - 1, 3)}


def main() -> None:
    """Run one part and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("images", "texts", "sounds", "memory", "bounds", "ours"))
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--peer", type=Path, help="python of the environment of the peer")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--count", type=int, help="of texts (20,000) or sounds (64)")
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    if told.part in ("bounds", "ours"):
        print(json.dumps({"bounds": bounds, "ours": ours}[told.part](*told.arguments)))
        return
    here = Path(sys.executable)
    parts: dict[str, Callable[[], Figures]] = {
        "images": lambda: images(told.peer, told.rounds),
        "texts": lambda: texts(told.peer or here, told.rounds, told.count or data.TEXTS),
        "sounds": lambda: sounds(told.peer or here, told.rounds, told.count or 64),
        "memory": memory,
    }
    found = {"machine": describe()} | parts[told.part]()
    print(json.dumps(found, indent=1))
    if told.json:
        told.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
