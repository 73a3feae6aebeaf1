"""What `index-media` is told, and what it did."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)

from flows.config.cluster import ClusterSpec
from mmcore.encoders.presets import settled
from mmcore.errors import ConfigError
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.scores import Finding
from mmcore.media.reading.readers import ASR, readers_of
from mmcore.media.urls import checked_url, is_remote, local_path
from mmcore.specs import (
    CrawlSpec,
    EvaluationSpec,
    FitSpec,
    FusionSpec,
    IndexSpec,
    LimitsSpec,
    PartialSpec,
    PlanSpec,
    RuntimeSpec,
    SegmentationSpec,
    Spec,
    StorageSpec,
)
from mmcore.types import Source
from storage.manifest import Status
from storage.places.place import place_of

NOTIFY: Final = (
    "who is told when the gate does not pass, or a run of index fails: Apprise URLs (jsons://…,"
    " mailtos://…) or block:<type>/<name> of a Prefect notification block; kept in no manifest,"
    " report or log"
)


class IndexConfig(Spec):
    """Index folders of media into a lake."""

    media: tuple[str, ...] = Field(
        min_length=1,
        description="folders or URLs (s3://…) to index, each as FOLDER or ALIAS=FOLDER",
    )
    lake: str = Field(
        min_length=1, description="the lake's folder or URL (s3://…); made when it is not there"
    )
    preset: str = Field(default="embedded", description="the encoders to use")
    crawl: CrawlSpec = CrawlSpec()
    segmentation: SegmentationSpec = SegmentationSpec()
    limits: LimitsSpec = LimitsSpec()
    plan: PlanSpec = PlanSpec()
    partial: PartialSpec = PartialSpec()
    fit: FitSpec = FitSpec()
    fusion: FusionSpec = FusionSpec()
    index: IndexSpec = IndexSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    gate: GateSpec = GateSpec()
    notify: tuple[SecretStr, ...] = Field(default=(), description=NOTIFY)
    runtime: RuntimeSpec = RuntimeSpec()
    storage: StorageSpec = StorageSpec()
    private: bool = Field(
        default=False,
        description="keep hashes of paths and keys, and no texts; for the whole life of a lake",
    )
    engine: Literal["threads", "processes", "dask"] = Field(
        default="threads",
        description="what decodes shards of media, and fills those of large indexes",
    )
    workers: PositiveInt | None = Field(
        default=None, description="shards decoded, or filled, at once; none: the cores"
    )
    cluster: ClusterSpec = ClusterSpec()
    max_bad_fraction: float = Field(
        default=0.5, ge=0, le=1, description="share of files that may fail before the run stops"
    )
    max_deleted_fraction: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of a root's contents that may be gone before the run stops",
    )
    drop: tuple[str, ...] = Field(
        default=(), description="aliases of roots that the lake holds and shall hold no longer"
    )
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )
    dry_run: bool = Field(default=False, description="say what would be done, and do nothing")

    @model_validator(mode="after")
    def _cluster_of_dask(self) -> Self:
        if self.cluster.scheduler and self.engine != "dask":
            raise ValueError("cluster.scheduler is for --engine dask")
        return self

    @field_validator("media")
    @classmethod
    def _some_folder(cls, media: tuple[str, ...]) -> tuple[str, ...]:
        if not all(media):
            raise ValueError("name a folder")
        return media

    @field_validator("preset")
    @classmethod
    def _from_anywhere(cls, preset: str) -> str:
        return settled(preset)

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)

    def specs(self) -> dict[str, dict[str, Any]]:
        """What decides a snapshot beside files and encoders, as its manifest keeps it."""
        named = {
            "segmentation": self.segmentation,
            "fit": self.fit,
            "fusion": self.fusion,
            "index": self.index,
            "evaluation": self.evaluation,
        }
        told = {name: spec.model_dump(mode="json") for name, spec in named.items()}
        told["index"].pop("shard_rows")  # how it is built, and not what it answers
        asr = next((r.source for r in readers_of(self.segmentation) if r.name == ASR), None)
        told["segmentation"]["asr"] = asr  # which model, not where it lies
        return told | {"storage": {"dtype": self.storage.dtype}}  # a codec changes no row

    def sources(self) -> tuple[Source, ...]:
        """The roots, each with its alias: the folder's own name unless one is given."""
        sources = tuple(_source(text) for text in self.media)
        aliases = [source.alias for source in sources]
        if twice := {alias for alias in aliases if aliases.count(alias) > 1}:
            raise ConfigError(
                f"two roots are called {twice.pop()!r}: name one of them, as ALIAS=FOLDER"
            )
        return sources


def _source(text: str) -> Source:
    alias, equals, folder = text.partition("=")
    if not equals or "/" in alias or Path(text).is_dir():
        alias, folder = "", text
    url = checked_url(folder) if is_remote(folder) else str(local_path(folder))
    return Source(alias or PurePosixPath(url).name or "root", url)


class EndedErasure(Spec):
    """What became of an erasure that was interrupted, or not proved, when the run began."""

    ended: bool = Field(description="whether it is done, and nothing of the erased was found")
    reissued: tuple[int, ...] = Field(default=(), description="snapshots written anew")
    removed: int = Field(default=0, description="files")
    left: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="files that still hold something, or may, and what"
    )
    why: str = Field(default="", description="why it is not ended")


class StageWork(Spec):
    """What the devices did for one encoder in one run."""

    segments: int = Field(description="segments embedded")
    seconds: float = Field(description="from the first shard's decoding to the last one's part")
    rate: float = Field(description="segments a second of these")
    model_seconds: float = Field(description="in the model, of all devices together")
    busy: float = Field(description="share of the devices' time in which the model ran")
    waited: float = Field(description="seconds that devices stood idle for want of a shard")
    batches: dict[int, int] = Field(description="size of a batch: how many there were")
    halved: int = Field(default=0, description="batches for which a device had no memory")
    settled: int | None = Field(default=None, description="size of a batch that then fitted")
    devices: tuple[str, ...] = Field(description="where the model ran")
    dtype: str = Field(description="numbers it computed with")


class Forecast(Spec):
    """What sources that were not read yet will take, about: told by a few of their files."""

    files: int = Field(description="files listed")
    bytes: int = Field(description="their bytes")
    sampled: int = Field(description="files that were read to tell the rest")
    media: dict[str, int] = Field(description="files by modality, about")
    reading: float = Field(description="seconds to read all of it once")
    models: float = Field(description="seconds in the models")
    disk: int = Field(description="bytes that the lake will take")

    @property
    def seconds(self) -> float:
        """All of it: read once to tell files apart, and once more beside the models."""
        return self.reading + max(self.reading, self.models)


class IndexResult(Spec):
    """What a run of `index-media` did."""

    status: Literal["published", "unchanged", "planned"]
    lake: str
    snapshot: int | None = Field(default=None, description="the snapshot that serves now")
    evaluation: Literal["measured", "unmeasured"] | None = None
    reason: str = ""
    scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    verdict: Status | None = Field(default=None, description="the gate's, of what serves now")
    baseline: int | None = Field(default=None, description="the snapshot it was compared with")
    why: str = Field(default="", description="why the gate could not compare")
    findings: tuple[Finding, ...] = Field(default=(), description="what the gate warned of")
    unproven: tuple[str, ...] = Field(
        default=(), description="directions that fell by more than they may, by chance perhaps"
    )
    not_notified: tuple[str, ...] = Field(default=(), description="who could not be told, and why")
    items: int = 0
    items_added: int = Field(default=0, description="items that are new, and not renamed ones")
    items_gone: int = Field(default=0, description="items that are gone, and not renamed")
    items_renamed: int = Field(default=0, description="items that hold the same by another key")
    items_changed: int = Field(default=0, description="items that hold other contents than before")
    files: dict[str, int] = Field(default_factory=dict, description="files by modality")
    new: dict[str, int] = Field(
        default_factory=dict, description="contents embedded by this run (to embed, in a dry run)"
    )
    kept: dict[str, int] = Field(
        default_factory=dict, description="contents whose cells are there, by encoder"
    )
    segments: dict[str, int] = Field(default_factory=dict, description="live segments by modality")
    quarantined: dict[str, int] = Field(default_factory=dict, description="files by reason")
    truncated: int = Field(
        default=0, description="segments of which a model took only the beginning"
    )
    forgotten: int = Field(
        default=0, description="files left out, since `mmindex forget` erased what they hold"
    )
    waiting: int = Field(
        default=0, description="files that were written a moment ago, and wait for the next run"
    )
    examples: dict[str, str] = Field(
        default_factory=dict, description="some of the quarantined files, with their reasons"
    )
    set_aside: tuple[str, ...] = Field(
        default=(), description="damaged files of the lake, kept as NAME.damaged and made again"
    )
    erasure: EndedErasure | None = Field(
        default=None, description="an erasure that waited, and was ended or tried again"
    )
    forecast: Forecast | None = Field(
        default=None, description="what a large source will take, told before it is read"
    )
    bytes_needed: int = Field(
        default=0, description="disk that the missing cells will take, about"
    )
    seconds: dict[str, float] = Field(
        default_factory=dict, description="by stage; estimates in a dry run"
    )
    work: dict[str, StageWork] = Field(
        default_factory=dict, description="what the devices did, by encoder that embedded"
    )
    report: str | None = Field(default=None, description="the HTML report")
