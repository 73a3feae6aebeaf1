"""What to do, as frozen data: reading a spec loads no torch, FAISS or Prefect."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from storage.schemas import Dtype, digest


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
    max_text_bytes: PositiveInt = Field(default=50_000_000, description="bytes of a text")
    max_seconds: PositiveFloat = Field(
        default=4 * 3600.0, description="seconds of a sound or a video"
    )
    max_segments: PositiveInt = Field(default=20_000, description="segments of one content")


class SegmentationSpec(Spec):
    """How contents are cut into segments; part of each encoder's fingerprint."""

    text_chars: PositiveInt = Field(
        default=400, description="longest text chunk in characters (a Chinese one half as long)"
    )
    audio_window: PositiveFloat = Field(default=10.0, description="seconds of an audio window")
    video_interval: PositiveFloat = Field(
        default=2.0, description="seconds between the frames of a video"
    )
    video_max_frames: PositiveInt = Field(
        default=64, description="frames of one video: a long one is sampled more sparsely"
    )


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


class PlanSpec(Spec):
    """How work is cut; never part of a fingerprint."""

    shard_contents: PositiveInt = Field(default=256, description="contents of one shard at most")
    shard_bytes: PositiveInt = Field(
        default=512_000_000, description="bytes of one shard at most, unless one file has more"
    )
    shard_segments: PositiveInt = Field(
        default=1024, description="segments of one shard, about, unless one file has more"
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

    name: str = "mean"
    weights: dict[str, float] = Field(
        default_factory=dict, description="per modality, for the weighted fusion"
    )


class EvaluationSpec(Spec):
    """What is measured before publishing."""

    cutoffs: tuple[PositiveInt, ...] = (1, 5, 10)
    depth: PositiveInt = Field(default=100, description="ranks looked at per query")
    min_queries: PositiveInt = Field(
        default=20, description="a direction with fewer queries is not scored"
    )
    max_queries: PositiveInt = Field(
        default=2000, description="queries of one direction at most, chosen by hash"
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


class RuntimeSpec(Spec):
    """How to compute; never hashed into a fingerprint."""

    device: str = Field(default="auto", description="cpu, cuda, cuda:N, or auto")
    dtype: str = Field(default="auto", description="auto (by probing), float32 or bfloat16")
    batch_size: PositiveInt = Field(
        default=32, description="segments that go through a model at once"
    )
    threads: PositiveInt | None = Field(
        default=None, description="threads of one model; None: the cores"
    )
