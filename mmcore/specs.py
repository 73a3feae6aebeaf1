"""What to do, as frozen data: reading a spec loads no torch, FAISS or Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    field_validator,
    model_validator,
)

from storage.schemas import Dtype, Modality, digest

Seconds = Annotated[float, Field(gt=0, le=10_000_000, allow_inf_nan=False)]
"""A duration: more than a hundred days is a slip."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""An amount that is not nothing."""


class Spec(BaseModel):
    """Frozen, strict about names, with a digest of its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def digest(self) -> str:
        """Hash of all fields."""
        return digest(self.model_dump(mode="json"))


class LimitsSpec(Spec):
    """What a file may cost; what exceeds a limit goes to quarantine and is never cut silently."""

    max_pixels: PositiveInt = Field(default=100_000_000, description="pixels of a picture")
    max_bytes: PositiveInt = Field(default=8_000_000_000, description="bytes of a file")
    max_text_bytes: PositiveInt = Field(
        default=50_000_000, description="bytes of a text, unpacked where it is packed"
    )
    max_seconds: Seconds = Field(default=4 * 3600.0, description="seconds of a sound or a video")
    max_segments: PositiveInt = Field(default=20_000, description="segments of one content")
    max_pages: PositiveInt = Field(default=10_000, description="pages of a document or a picture")
    max_nesting: PositiveInt = Field(
        default=200, description="levels of what is nested: JSON, HTML, XML (DOCX, SVG)"
    )
    stall_seconds: Seconds = Field(
        default=60.0, description="seconds that a decoder may work without yielding a segment"
    )
    file_seconds: Seconds = Field(
        default=3600.0, description="seconds that a decoder may work on one file"
    )
    reader_seconds: Seconds = Field(
        default=8 * 3600.0, description="seconds that a reader (ocr, asr) may work on one file"
    )
    worker_bytes: int = Field(
        default=2_500_000_000,
        ge=300_000_000,
        lt=2**62,
        description="memory of one decoding process",
    )

    def of_reader(self) -> LimitsSpec:
        """The limits of who reads text in a file that is none: that takes its time."""
        return self.model_copy(update={"file_seconds": self.reader_seconds})


class SegmentationSpec(Spec):
    """How contents are shaped and cut into segments; part of each encoder's fingerprint.

    A field's first word is the modality whose segments it decides.
    """

    image_enhance: tuple[Literal["autocontrast", "denoise"], ...] = Field(
        default=(), description="what is done to a picture before it is embedded, in this order"
    )
    image_regions: NonNegativeInt = Field(
        default=0, description="salient regions of a picture that are segments beside the whole"
    )
    text_chars: PositiveInt = Field(
        default=400, description="longest text chunk in characters (a Chinese one half as long)"
    )
    text_overlap: NonNegativeInt = Field(
        default=60,
        description="characters at most, in whole sentences, that a chunk repeats of the last one",
    )
    text_dictionaries: tuple[str, ...] = Field(
        default=(), description="files of words that jieba is to know, in its own format"
    )
    audio_window: Seconds = Field(default=10.0, description="seconds of an audio window")
    audio_overlap: NonNegativeFloat = Field(
        default=0.0,
        allow_inf_nan=False,
        description="seconds that an audio window repeats of the last one",
    )
    audio_denoise: bool = Field(
        default=False, description="whether steady noise is taken out of sounds"
    )
    video_cut: Literal["interval", "shots"] = Field(
        default="interval", description="equal intervals, or shots (the extra `shots`)"
    )
    video_interval: Seconds = Field(
        default=2.0, description="seconds between the frames of a video"
    )
    video_max_frames: PositiveInt = Field(
        default=64, description="frames of one video: a long one is sampled more sparsely"
    )

    ocr: bool = Field(
        default=False, description="whether text in pictures is read (the extra `ocr`)"
    )
    asr: str | None = Field(
        default=None,
        description="folder of the Whisper model that reads speech (the extra `asr`)",
    )

    @model_validator(mode="after")
    def _windows_move_on(self) -> Self:
        if self.audio_overlap >= self.audio_window:
            raise ValueError(
                f"audio_overlap is {self.audio_overlap:g} s, which has to be less than"
                f" audio_window, {self.audio_window:g} s"
            )
        return self

    @field_validator("asr")
    @classmethod
    def _absolute(cls, folder: str | None) -> str | None:
        return None if folder is None else str(Path(folder).expanduser().absolute())

    @field_validator("text_dictionaries")
    @classmethod
    def _all_absolute(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(Path(path).expanduser().absolute()) for path in paths)

    def deciding(self, modality: Modality) -> dict[str, Any]:
        """The fields that decide the segments of ``modality``, as JSON."""
        prefix = f"{modality}_"
        fields = self.model_dump(mode="json")
        return {name: value for name, value in fields.items() if name.startswith(prefix)}


class CrawlSpec(Spec):
    """Which files of a root are looked at."""

    include: tuple[str, ...] = Field(default=(), description="globs of paths to take; empty: all")
    exclude: tuple[str, ...] = Field(
        default=(), description="globs of paths to leave out, beside the usual junk"
    )
    hash_all: bool = Field(
        default=False,
        description="hash every file, also those whose size and mtime did not change",
    )
    grouping: str = Field(
        default="auto",
        description="auto (manifests, then numbers, then stems), stem, number or folder",
    )
    manifest: str | None = Field(
        default=None, description="a CSV, JSONL or Parquet manifest outside the usual place"
    )
    settle_seconds: NonNegativeFloat = Field(
        default=0.0,
        description="files that were written less than this ago wait for the next run",
    )


class PartialSpec(Spec):
    """How often a very large first run publishes what it has, before anything whole serves."""

    hours: NonNegativeFloat = Field(
        default=6.0,
        description="a first run that takes longer publishes a part about this often; 0: never",
    )
    files: PositiveInt | None = Field(
        default=None, description="publish a part every so many files instead, however fast it is"
    )


class PlanSpec(Spec):
    """How work is cut; never part of a fingerprint."""

    shards: PositiveInt = Field(
        default=200,
        description="shards of a run, about: where the next three would make more of them, they"
        " grow, as far as memory and the staging folder allow",
    )
    shard_contents: PositiveInt = Field(
        default=256, description="contents of one shard at most, until it grows"
    )
    shard_bytes: PositiveInt = Field(
        default=512_000_000,
        description="bytes of one shard at most, unless one file has more, until it grows; of"
        " objects in a store always",
    )
    shard_segments: PositiveInt = Field(
        default=1024,
        description="segments of one shard, about, unless one file has more, until it grows",
    )
    min_shards: PositiveInt = Field(
        default=4, description="a small run is still cut, so that work overlaps and progress shows"
    )


class FitSpec(Spec):
    """How projections are fitted."""

    min_pairs: PositiveInt = Field(
        default=16, description="fewer pairs of a modality than this fit nothing"
    )
    held_out: float = Field(
        default=0.2,
        ge=0,
        le=0.9,
        description="share of captions kept as evaluation queries, by hash",
    )
    folds: int = Field(
        default=5, ge=2, description="folds of the cross-validation that picks ridge and blend"
    )


class FusionSpec(Spec):
    """How an item's modalities become one vector."""

    name: str = Field(
        default="auto",
        description="auto (the one that serves since `mmindex train` or `models promote`, else"
        " mean), mean, sum, weighted, product or concat; mlp and attention have to be trained",
    )
    weights: dict[str, float] = Field(
        default_factory=dict, description="per modality, for the weighted fusion"
    )


class EvaluationSpec(Spec):
    """What is measured before publishing."""

    cutoffs: tuple[PositiveInt, ...] = Field(default=(1, 5, 10), description="the k of Success@k")
    depth: PositiveInt = Field(default=100, description="ranks looked at per query")
    min_queries: PositiveInt = Field(
        default=20, description="a direction with fewer queries is not scored"
    )
    max_queries: PositiveInt = Field(
        default=2000,
        description="queries of one direction at most, chosen by hash, and kept from then on",
    )
    run_depth: NonNegativeInt = Field(
        default=10, description="ranks of each query in the TREC run file; 0: no run file"
    )
    latency_queries: NonNegativeInt = Field(
        default=200, description="single searches that are timed; 0: none"
    )
    served_queries: NonNegativeInt = Field(
        default=500,
        description="queries of one direction, at most, that the built indexes are asked with",
    )


class StorageSpec(Spec):
    """How vectors are stored; another dtype is made of the stored ones, no file is read again."""

    dtype: Dtype = Field(
        default="float32",
        description="of stored vectors: float16 takes half the disk and rounds them",
    )
    compression: Literal["none", "zstd"] = Field(
        default="none", description="codec of the vectors that are written from now on"
    )
    thumbnail_side: NonNegativeInt = Field(
        default=160,
        description="pixels of the longer side of thumbnails that are made from now on; 0: none",
    )


class IndexSpec(Spec):
    """What each index has to reach; which kind it is, and how it is searched, is then measured.

    Up to ``exact_numbers`` numbers an index is exact, unless a budget forbids it; of those nothing
    is measured.
    """

    recall: float = Field(
        default=0.98,
        gt=0,
        le=1,
        description="mean share of the exact k nearest that a real query has to get back",
    )
    k: int = Field(default=10, ge=1, le=1000, description="how many nearest that is of")
    memory_mb: Positive | None = Field(
        default=None,
        description="millions of bytes that an opened index may hold, mapped files left out;"
        " none: any",
    )
    latency_ms: Positive | None = Field(
        default=None,
        description="milliseconds that half of single queries may take in one thread; none: any",
    )
    queries: PositiveInt = Field(
        default=1000,
        description="queries of an index at most; one half tunes it, the other one reports",
    )
    exact_numbers: NonNegativeInt = Field(
        default=50_000_000,
        description="rows times dimensions up to which an index is exact, and nothing is measured",
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        description="decides the sample that is trained on, and the halves of queries",
    )
    shard_rows: PositiveInt = Field(
        default=4_000_000,
        description="rows from which an index is filled in shards, of as many rows, by the"
        " engine's workers; it answers as one that is filled at once",
    )


class RuntimeSpec(Spec):
    """How to compute, and where weights lie; never hashed into a fingerprint (weights are)."""

    device: str = Field(
        default="auto", description="cpu, mps, cuda (all GPUs), cuda:N, cuda:0,cuda:1 …, or auto"
    )
    dtype: str = Field(default="auto", description="auto (by probing), float32 or bfloat16")
    batch_size: PositiveInt | None = Field(
        default=None,
        description="segments that go through a model at once; none: as many as suit the device",
    )
    threads: PositiveInt | None = Field(
        default=None, description="threads of one model; None: the cores"
    )
    device_bytes: PositiveInt | None = Field(
        default=None, description="memory that this run may take of each GPU; none: all of it"
    )
    isolate: bool = Field(
        default=True, description="decode in processes of their own, which may crash or hang"
    )
    read_mb: Positive | None = Field(
        default=None,
        description="MB of the sources that all runs on this machine read a second, about; none:"
        " as many as it goes",
    )
    read_files: Positive | None = Field(
        default=None, description="files of the sources that they open a second; none: no limit"
    )
    weights: str | None = Field(
        default=None,
        description="folder of fetched weights; none: $MMINDEX_WEIGHTS, or one in your cache",
    )
    models: dict[str, str] = Field(
        default_factory=dict,
        description="by preset: a folder, a file or a name in place of its own model;"
        " --preset NAME:MODEL sets it",
    )
    noncommercial: bool = Field(
        default=False,
        description="whether weights may be used whose licence forbids commercial use",
    )
    profile: str | None = Field(
        default=None, description="folder that gets traces of torch's profiler; none: no trace"
    )

    @field_validator("weights", "profile")
    @classmethod
    def _absolute(cls, folder: str | None) -> str | None:
        return None if folder is None else str(Path(folder).expanduser().absolute())
