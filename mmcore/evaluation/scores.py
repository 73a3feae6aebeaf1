"""What an evaluation found, as JSON: the models of a report."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Worst(_Frozen):
    """A query that did badly, in words a person can follow."""

    query: str  # the text, or the file's path
    expected: list[str]  # some of what is right
    first: str  # what came first instead; "" where nothing did
    rank: int  # of the best right answer, from 1
    relevant: int  # right answers in the gallery


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


class Coverage(_Frozen):
    """How much of one modality's contents can be searched."""

    modality: str
    files: int
    contents: int  # distinct bytes
    embedded: int  # contents with at least one segment
    quarantined: int  # contents with a rejection
    segments: int
    items: int  # items that have the modality


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
    coverage: list[Coverage]
    languages: dict[str, int]  # language → text contents
    counts: dict[str, int]
    quarantine: dict[str, int]  # reason → rows
