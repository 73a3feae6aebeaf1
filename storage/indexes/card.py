"""The card of an index: what it holds, how it was built, and what was measured."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import faiss
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError

from storage.errors import CorruptLakeError

CARD: Final = "index.json"
CODES: Final = "index.faiss"  # what is searched; answers with row ids
VECTORS: Final = "vectors.faiss"  # exact vectors by id, to refine and to search subsets: mapped
DELTA: Final = "delta.faiss"  # exact vectors that came after, searched beside
DEAD: Final = "dead.npy"  # sorted ids that `index.faiss` still has and nobody may find
TRUTH: Final = "truth.npz"  # exact answers to the queries that were measured with
EVERY: Final = (CARD, CODES, VECTORS, DELTA, DEAD, TRUTH)  # the card, by which it is found


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Setting(_Frozen):
    """How an index is searched: stored, and applied at every search."""

    nprobe: PositiveInt | None = Field(default=None, description="lists of an IVF that are read")
    ef: PositiveInt | None = Field(default=None, description="candidates of an HNSW")
    depth: PositiveInt = Field(
        default=1,
        description="times k, or times what is asked for where that is more: how many are refined"
        " from exact vectors",
    )
    k: PositiveInt = Field(default=10, description="how many nearest it was tuned to find")

    def __str__(self) -> str:
        """For example ``nprobe 32, depth 8``; ``""`` where nothing is set."""
        named = {"nprobe": self.nprobe, "ef": self.ef, "depth": self.depth}
        told = [f"{name} {value}" for name, value in named.items() if value is not None]
        return ", ".join(one for one in told if one != "depth 1")


class Point(_Frozen):
    """One kind with one setting, measured with the half of the queries that tunes."""

    kind: str
    setting: Setting = Setting()
    recall: float
    latency_ms: float = Field(description="median of single queries, one thread")
    rate: float = Field(description="queries a second in a batch, all threads")
    memory: NonNegativeInt = Field(description="bytes held in memory, mapped files left out")
    build_seconds: float
    fits: bool = Field(description="whether it reaches the goal within the budgets")
    why: str = Field(default="", description="what it misses, or why it was not built")


class Reached(_Frozen):
    """Recall on the half of the queries that nothing was chosen by."""

    recall: float
    low: float = Field(description="lower end of the 95 % interval of its mean")
    high: float
    queries: NonNegativeInt
    by: dict[str, float] = Field(
        default_factory=dict, description="recall by what asked, such as `text zh`"
    )
    asked: Literal["queries", "stored vectors"] = "queries"
    k: PositiveInt = 10
    looks: PositiveInt = Field(
        default=1,
        description="settings that were held against these queries: the last one reached the goal"
        " on them, so that after more than one the recall is a little above the true one",
    )


class Fresh(_Frozen):
    """What an index was when it was built afresh: what its updates are held against."""

    rows: NonNegativeInt
    recall: float | None = None
    imbalance: float | None = Field(default=None, description="of its lists; 1: equal sizes")


class IndexCard(_Frozen):
    """What an index holds and how it was built."""

    space: str
    modality: str  # "fused" for items
    dim: int
    metric: Literal["inner_product"] = "inner_product"
    type: str = "flat"  # the name of its kind
    rows: int  # that it answers with
    search_parameter: str | None = None  # of cards before `setting`
    setting: Setting = Setting()
    created_at: datetime
    faiss_version: str = faiss.__version__
    build: str
    files: tuple[str, ...] = (CODES,)  # beside the card
    mapped: bool = False  # whether its lists are left on disk when it is opened
    trained_on: NonNegativeInt = 0  # rows, at random over all
    reached: Reached | None = None  # None: exact, or built without queries
    tried: tuple[Point, ...] = ()  # in order; the frontier
    updates: NonNegativeInt = 0  # since it was built afresh
    fresh: Fresh | None = None  # as it was then; None: it is
    dead: NonNegativeInt = 0  # rows of `index.faiss` that nobody may find
    added: NonNegativeInt = 0  # rows of the delta

    @property
    def names(self) -> tuple[str, ...]:
        """All files of its folder; the card comes last, as it says that the rest is there."""
        return (*self.files, CARD)


def read_card(path: Path) -> IndexCard:
    """The card at ``path``; CorruptLakeError where it is missing or is no card."""
    try:
        return IndexCard.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise CorruptLakeError(path, "is missing") from error
    except IsADirectoryError as error:
        raise CorruptLakeError(path, "is no file") from error
    except ValidationError as error:
        raise CorruptLakeError(path, "is not the card of an index") from error
