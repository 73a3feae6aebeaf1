"""What a flow is told: one frozen pydantic model per flow, composed of the specs of the layers."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)

from mmcore.encoders.presets import settled
from mmcore.errors import ConfigError
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.scores import Compared, Finding
from mmcore.media.reading.readers import ASR, readers_of
from mmcore.media.urls import checked_url, is_remote, local_path
from mmcore.specs import (
    CrawlSpec,
    EvaluationSpec,
    FitSpec,
    FusionSpec,
    IndexSpec,
    LimitsSpec,
    PlanSpec,
    RuntimeSpec,
    SegmentationSpec,
    Spec,
    StorageSpec,
)
from mmcore.training.alignment.spec import AlignSpec
from mmcore.training.fusing.spec import FusionFitSpec
from mmcore.types import Source
from storage.manifest import Status
from storage.places.place import place_of
from tasks.promote_verdict import Remembered, Unasked, VerdictSpec, Why

NOTIFY: Final = (
    "who is told when the gate does not pass: Apprise URLs (jsons://…, mailtos://…) or"
    " block:<type>/<name> of a Prefect notification block; kept in no manifest, report or log"
)


class IndexConfig(Spec):
    """Index folders of media into a lake."""

    media: tuple[str, ...] = Field(
        min_length=1,
        description="folders or URLs (s3://…) to index, each as FOLDER or ALIAS=FOLDER",
    )
    lake: str = Field(description="the lake's folder or URL (s3://…); made when it is not there")
    preset: str = Field(default="embedded", description="the encoders to use")
    crawl: CrawlSpec = CrawlSpec()
    segmentation: SegmentationSpec = SegmentationSpec()
    limits: LimitsSpec = LimitsSpec()
    plan: PlanSpec = PlanSpec()
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
    items_added: int = 0
    items_gone: int = 0
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
    examples: dict[str, str] = Field(
        default_factory=dict, description="some of the quarantined files, with their reasons"
    )
    set_aside: tuple[str, ...] = Field(
        default=(), description="damaged files of the lake, kept as NAME.damaged and made again"
    )
    erasure: EndedErasure | None = Field(
        default=None, description="an erasure that waited, and was ended or tried again"
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


class MaintainConfig(Spec):
    """Rewrite a lake's small and mostly dead parts, and remove what it no longer needs."""

    lake: str = Field(description="the lake's folder or URL")
    keep: PositiveInt = Field(
        default=7, description="published snapshots to keep, the one that serves among them"
    )
    grace_days: NonNegativeFloat = Field(
        default=30.0, le=36_500, description="days that unpublished work stays"
    )
    compact: bool = Field(
        default=True, description="rewrite small and mostly dead parts of vectors into fewer"
    )
    dead_share: float = Field(
        default=0.5, ge=0, le=1, description="share of a part's rows that may be dead"
    )
    part_bytes: PositiveInt = Field(
        default=64 << 20, description="bytes of vectors in a rewritten part, about, at most"
    )
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )
    dry_run: bool = Field(default=False, description="say what would be done, and do nothing")

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)


class Compacted(Spec):
    """What became of small and mostly dead parts; in a dry run, what would, about."""

    parts_before: int = Field(default=0, description="parts of cells that were rewritten")
    parts_after: int = Field(
        default=0, description="parts of cells that hold what is live of them"
    )
    bytes_before: int = Field(
        default=0, description="of the old files, which go with the last snapshot that names them"
    )
    bytes_after: int = Field(default=0, description="of the new files")
    indexes: int = Field(
        default=0, description="indexes built afresh, for too many of their rows were gone"
    )
    left_out: str = Field(default="", description="why nothing was compacted")


class MaintainResult(Spec):
    """What a run of `maintain` did; in a dry run, what it would."""

    status: Literal["removed", "compacted", "unchanged", "planned"]
    lake: str
    snapshot: int = Field(description="the snapshot that serves")
    kept: tuple[int, ...] = Field(description="snapshots that stay")
    gone: tuple[int, ...] = Field(default=(), description="snapshots that go")
    candidates: tuple[str, ...] = Field(default=(), description="runs whose candidates stay")
    files: dict[str, int] = Field(default_factory=dict, description="files that go, by kind")
    bytes: dict[str, int] = Field(default_factory=dict, description="their sizes, by kind")
    compacted: Compacted = Compacted()
    erasure: EndedErasure | None = Field(
        default=None, description="an erasure that waited, and was ended or tried again"
    )
    seconds: dict[str, float] = Field(default_factory=dict, description="by stage")


class EvaluateConfig(Spec):
    """Measure a published snapshot, or a blocked candidate, against an older one, and judge it.

    What is asked, and how, the lake's own settings say (``evaluation`` and ``fit`` of the run that
    made the snapshot).
    """

    lake: str = Field(description="the lake's folder or URL")
    snapshot: PositiveInt | None = Field(default=None, description="none: the one that serves")
    run: str | None = Field(default=None, description="the run of a candidate that was blocked")
    against: PositiveInt | None = Field(
        default=None,
        description="snapshot it is compared with; none: its newest sound ancestor that is kept",
    )
    on_block: Literal["alert", "roll-back"] = Field(
        default="alert",
        description="roll-back: what it was compared with serves again, if this one serves still",
    )
    max_age_hours: PositiveFloat | None = Field(
        default=None, description="hours since the last look at the sources; more are stale"
    )
    gate: GateSpec | None = Field(
        default=None, description="rules of the gate; none: those of the published snapshot"
    )
    notify: tuple[SecretStr, ...] = Field(default=(), description=NOTIFY)
    runtime: RuntimeSpec = RuntimeSpec()
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.snapshot is not None and self.run is not None:
            raise ValueError("name a snapshot or the run of a candidate, not both")
        if self.run is not None and self.on_block == "roll-back":
            raise ValueError("a candidate does not serve: there is nothing to roll back")
        return self

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)


class EvaluateResult(Spec):
    """What an evaluation came to."""

    status: Status = Field(description="the gate's verdict")
    lake: str
    snapshot: int | None = Field(description="that was evaluated; of a candidate, its number")
    run: str
    baseline: int | None = Field(default=None, description="the snapshot it was compared with")
    why: str = Field(default="", description="of unmeasured and failed")
    measured: Literal["measured", "unmeasured"] | None = None
    reason: str = ""
    findings: tuple[Finding, ...] = Field(default=(), description="blocks first")
    compared: tuple[Compared, ...] = Field(default=(), description="each rule, each direction")
    unproven: tuple[str, ...] = Field(
        default=(), description="directions that fell by more than they may, by chance perhaps"
    )
    items: int = Field(default=0, description="that are also in what it was compared with")
    items_changed: int = Field(default=0, description="of these, with other contents than there")
    scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    stale: float | None = Field(
        default=None, description="hours since the last look, where that is more than may be"
    )
    rolled_back_to: int | None = Field(default=None, description="the snapshot that serves now")
    not_rolled_back: str = Field(default="", description="why it was not, though it was to be")
    not_notified: tuple[str, ...] = Field(default=(), description="who could not be told, and why")
    report: str | None = Field(default=None, description="the HTML report")
    seconds: dict[str, float] = Field(default_factory=dict, description="by stage")


class OverrideConfig(Spec):
    """Publish a candidate that the gate blocked."""

    lake: str = Field(description="the lake's folder or URL")
    run: str = Field(min_length=1, description="the candidate's")
    name: str = Field(description="who lets it serve")
    reason: str = Field(description="why")
    notify: tuple[SecretStr, ...] = Field(default=(), description=NOTIFY)
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )

    @field_validator("name", "reason")
    @classmethod
    def _says_something(cls, said: str) -> str:
        if not said.strip():
            raise ValueError("say who lets it serve, and why")
        return " ".join(said.split())

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)


class OverrideResult(Spec):
    """What serves now, though the gate blocked it."""

    lake: str
    run: str
    snapshot: int | None
    before: int | None = Field(description="what served until then")
    name: str
    reason: str
    not_notified: tuple[str, ...] = Field(default=(), description="who could not be told, and why")


class TrainConfig(Spec):
    """Train a projection and a fusion on a lake's pairs; they serve if they are better.

    Which captions are held out to measure them, and how many pairs there must be, the lake's own
    settings say (``fit.held_out``, ``fit.min_pairs``, of its last `mmindex index`).
    """

    lake: str = Field(description="the lake's folder or URL")
    seed: NonNegativeInt = Field(default=0, description="decides every draw of both trainings")
    align: AlignSpec = AlignSpec()
    fusion: str = Field(
        default="auto",
        description="auto (the best of fusing.candidates), or the name of a fusion",
    )
    fusing: FusionFitSpec = FusionFitSpec()
    verdict: VerdictSpec = VerdictSpec()
    gate: GateSpec | None = Field(
        default=None, description="rules of the gate; none: those of the published snapshot"
    )
    runtime: RuntimeSpec = RuntimeSpec()
    promote: bool = Field(default=True, description="let it serve if it is better")
    force: bool = Field(default=False, description="let it serve whatever it scores")
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)


class PromoteConfig(Spec):
    """Let a stored model serve, with the rows and cells of the published snapshot."""

    lake: str = Field(description="the lake's folder or URL")
    model: str | None = Field(
        description="NAME/VERSION, as projection/p3 or fusion/f2; none: what served before"
    )
    verdict: VerdictSpec = VerdictSpec()
    gate: GateSpec | None = Field(
        default=None, description="rules of the gate; none: those of the published snapshot"
    )
    runtime: RuntimeSpec = RuntimeSpec()
    force: bool = Field(default=False, description="let it serve whatever it scores")
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)


class PromoteResult(Spec):
    """What became of a promotion."""

    status: Literal["promoted", "refused", "stored", "unchanged"] = Field(
        description="refused: it would not serve better; stored: it was not to be promoted"
    )
    lake: str
    snapshot: int | None = Field(default=None, description="the snapshot that serves now")
    projection: str | None = Field(default=None, description="the version that was judged")
    fusion: str | None = Field(default=None, description="the fusion that was judged")
    reason: str = Field(default="", description="why it does not serve")
    why: Why = Field(default="", description="the same, for programs")
    lost: tuple[str, ...] = Field(
        default=(), description="directions that what serves is scored in, and it is not"
    )
    before: float | None = Field(
        default=None, description="mean RR of what served, over the directions that both have"
    )
    after: float | None = Field(default=None, description="the same of what was judged")
    directions: tuple[str, ...] = Field(default=(), description="that both are scored in")
    known: dict[str, Remembered] = Field(
        default_factory=dict,
        description="captions that what served was fitted on, by direction: mean RR of their own"
        " items with either; no score of retrieval, and in none of the means above",
    )
    known_before: float | None = Field(
        default=None, description="mean over the directions of known, with what served"
    )
    known_after: float | None = Field(default=None, description="the same with what was judged")
    unasked: Unasked = Field(
        default="",
        description="why known is empty, though what served was fitted on captions: it was not"
        " checked what is forgotten. texts: the lake keeps none to ask with; few: too few of them",
    )
    damaged: tuple[str, ...] = Field(
        default=(), description="models that served and are damaged: nothing is compared with them"
    )
    scores: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="of what was judged, on the held-out captions"
    )
    seconds: dict[str, float] = Field(default_factory=dict, description="by stage")
    report: str | None = Field(default=None, description="the HTML report")


class TrainResult(PromoteResult):
    """What a training came to."""

    models: tuple[str, ...] = Field(
        default=(), description="versions that it came to; one that was stored before is the same"
    )
    pairs: dict[str, int] = Field(
        default_factory=dict, description="contents with a caption to learn from, by encoder"
    )
    few: dict[str, int] = Field(
        default_factory=dict, description="the same, of encoders that have too few"
    )
    won: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="what won, of what was tried for each model"
    )
    notes: tuple[str, ...] = Field(default=(), description="what was left out, and why")
