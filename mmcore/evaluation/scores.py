"""What an evaluation found, as JSON: the models of a report."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


Verdict = Literal["pass", "warn", "block", "failed", "unmeasured"]

FindingKind = Literal[
    "worse",  # a measure fell
    "lost",  # a direction can no longer be asked
    "silent",  # a direction finds nothing of what it found
    "shrunk",  # many of a direction's queries can no longer be compared
    "recall",  # an index gives back less than it did
    "floor",  # an index gives back less than its goal
    "coverage",  # fewer items have a vector of a modality
    "quarantine",  # more files were refused
    "norm",  # vectors are not of unit length
    "changed",  # vectors are others, though their encoder and space are the same
    "ids",  # an index names other rows than the live ones
    "drift",
    "latency",
    "failed",
]


class Worst(_Frozen):
    """A query that did badly, in words a person can follow."""

    query: str  # the text, or the file's path
    expected: list[str]  # some of what is right
    first: str  # what came first instead; "" where nothing did
    rank: int  # of the best right answer, from 1
    relevant: int  # right answers in the gallery
    contents: list[str] = []  # content ids of the query: what is shown of it
    item: int | None = None  # the item of the first right answer
    found_item: int | None = None  # what came first instead
    span: list[float] = []  # start and end, in seconds, of what came first


class Direction(_Frozen):
    """One direction, such as ``text:zh→image``, over all its queries."""

    name: str
    queries: int
    gallery: int  # items that can be found
    means: dict[str, float]  # measure → mean over the queries
    median_rank: float
    chance: float  # mean Success@1 of a random order
    without_results: list[str]  # contents asked with that found nothing; they count 0
    worst: list[Worst]
    by_mask: dict[str, dict[str, float]] = {}
    """What the right item is fused of (``image+text``) → ``queries`` and each measure."""
    set: str = "held-out"
    kind: str = "exact"  # or the kind of the index that was asked
    by_language: dict[str, dict[str, float]] = {}
    by_category: dict[str, dict[str, float]] = {}
    confusion: dict[str, dict[str, int]] = {}  # right label → label of the first hit → queries
    common: dict[str, float] = {}  # measure → mean over what the baseline has, too
    common_queries: int = 0


class Unscored(_Frozen):
    """A direction with too few queries to say anything, or none: not a score of 0."""

    name: str
    queries: int
    why: str = ""  # "": too few


class Tried(_Frozen):
    """A kind of index with one setting, measured when the index was built; or why it was not."""

    kind: str
    setting: str
    recall: float  # on the half of the queries that tunes
    latency_ms: float  # median of single queries, one thread
    rate: float  # queries a second in a batch
    memory: int  # bytes held, mapped files left out
    build_seconds: float
    fits: bool  # whether it reaches the goal within the budgets
    why: str
    chosen: bool  # whether it is what serves


class IndexRecall(_Frozen):
    """How much of the exact answer an index gives back."""

    index: str
    recall: float  # of the k nearest by exact search
    queries: int
    asked: Literal["queries", "stored vectors"]
    k: int = 10
    kind: str = "flat"
    setting: str = ""
    rows: int | None = None  # None: of a report before 0023
    low: float | None = None  # ends of the 95 % interval of the mean
    high: float | None = None
    by: dict[str, float] = {}  # recall by what asked, such as `text zh`
    looks: int = 1  # settings that were held against these queries
    target: float | None = None  # the goal; None where exact search was taken unmeasured
    tried: list[Tried] = []  # in order of cost, up to what serves


class Served(_Frozen):
    """A direction as its index answers it, and by exact search over the same queries."""

    direction: str
    index: str
    kind: str
    queries: int
    means: dict[str, float]  # measure → mean over the queries
    exact: dict[str, float]


class Searched(_Frozen):
    """A direction of a user's set as a search answers it, and by exact vectors, asked the same."""

    direction: str  # with the set's name
    queries: int
    means: dict[str, float]  # measure → mean over the queries; by words, too
    exact: dict[str, float]  # by vectors alone


class Coverage(_Frozen):
    """How much of one modality's contents can be searched."""

    modality: str
    files: int
    contents: int  # distinct bytes
    embedded: int  # contents with at least one segment
    quarantined: int  # contents with a rejection
    segments: int
    items: int  # items that have the modality


class Compared(_Frozen):
    """One rule of the gate for one direction and measure, over the queries that both have."""

    direction: str
    measure: str
    queries: int
    groups: int  # of queries that are not independent
    before: float
    after: float
    drop: float  # before − after
    low: float  # ends of the 95 % interval of the drop, not adjusted
    high: float
    p: float  # of the column that proved it alone, one-sided
    adjusted: float  # by max-T over all rows; the smaller one of its measure and of its ranks
    proved_by: Literal["measure", "ranks"] = (
        "measure"  # which of them ``p`` and ``adjusted`` are of
    )
    silent: int = 0  # groups that found something, where nothing is found any more
    rule: str
    action: Literal["", "warn", "block"]  # what came of it


class Finding(_Frozen):
    """Something that is worse, or wrong; of a block, ``directions`` is never empty."""

    kind: FindingKind
    subject: str  # a direction, an index, a modality
    measure: str = ""
    before: float | None = None
    after: float | None = None
    rule: str = ""
    action: Literal["warn", "block"]
    directions: list[str] = []  # that it touches, the one that fell most first
    compared: int = 0  # of "shrunk": queries that could be compared
    of: int = 0  # of so many that the baseline was asked


class GateVerdict(_Frozen):
    """What the gate says of a snapshot or candidate, and of what."""

    status: Verdict
    baseline: int | None = None
    why: str = ""  # of unmeasured and failed
    findings: list[Finding] = []  # blocks first
    compared: list[Compared] = []
    unproven: list[str] = []  # directions that fell by more than they may, by chance perhaps
    tested: int = 0  # rows that shared one correction
    flips: int = 0
    seed: int = 0
    blind: bool = False  # nothing was compared, though what was there before had scores
    items: int = 0  # that both hold
    items_changed: int = 0  # of these, those whose contents are others


class Drift(_Frozen):
    """How the vectors of one modality, in one space, differ from those of the baseline."""

    modality: str
    space: str
    common: int  # segments that both have
    changed: float | None  # share of them whose vector is another; None: another encoder or space
    shift: float | None = None  # distance of the mean vectors
    norm: float  # the largest | length − 1 |; inf where a number is none
    overlap: float | None = None  # mean share of 10 nearest that are the same
    sample: int = 0  # segments that ``overlap`` asked


Made = Literal["preset", "encoder", "projection", "fusion", "setting", "software", "count"]


class Differing(_Frozen):
    """Something that makes a snapshot and is other than in its baseline; "": there is none."""

    what: Made
    name: str = ""  # of an encoder, a setting, a package, or of what is counted
    before: str
    after: str


class Latency(_Frozen):
    """Milliseconds of single text queries, encoder and hits in them, one thread."""

    p50: float
    p95: float
    queries: int
    threads: int = 1


class Report(_Frozen):
    """What a snapshot holds, and how well it retrieves."""

    snapshot: int | None  # None for a candidate
    run: str
    evaluated_at: datetime
    preset: str
    encoders: list[str]
    projection: str | None  # its space
    fusion: str | None
    held_out: float  # share of captions that are never fitted on
    status: Literal["measured", "unmeasured"]
    reason: str
    queries: int  # distinct contents asked with, in scored directions
    directions: list[Direction]
    unscored: list[Unscored]
    index_recall: list[IndexRecall]
    served: list[Served] = []  # of indexes that are not exact; of media and texts alone
    searched: list[Searched] = []  # text queries of users' sets; no verdict stands on these
    coverage: list[Coverage]
    languages: dict[str, int]  # language → text contents
    counts: dict[str, int]
    quarantine: dict[str, int]  # reason → rows
    format: int = 1  # 2 since there is a gate
    config: str = ""  # fingerprint of the measures
    depth: int = 100  # of every ranking
    sets: dict[str, str] = {}  # query set → fingerprint
    verdict: GateVerdict | None = None
    latency: Latency | None = None
    drift: list[Drift] = []
    gap: dict[str, dict[str, float]] = {}  # target → zh, en, and their difference, Success@10
    changed: dict[str, dict[str, int]] = {}  # table → what a diff with the baseline counts
    differs: list[Differing] | None = None  # from the baseline; None: nothing was held against
    cut: list[str] = []  # directions whose qrels file does not name every right answer
    notified: list[str] = []  # what could not be told to whom
    part: tuple[int, int] | None = None  # files of a first run under way, and of how many
