"""What an index has to reach, and what it may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """A recall on real queries, within budgets.

    Args:
        recall: mean share of the exact ``k`` nearest that a query has to get back.
        k: how many nearest that is of.
        memory: bytes that the opened index may hold in memory, those of mapped files left out;
            None: any.
        latency: milliseconds that half of single queries may take, one thread; None: whatever the
            first kind takes that reaches the recall, where exact search is not cheap.
        cheap: rows times dimensions up to which exact search is taken without measuring anything.
        seed: decides the sample that is trained on, and which half of the queries tunes.
        threads: of building and of searching in batches; None: all cores.
    """

    recall: float = 0.98
    k: int = 10
    memory: int | None = None
    latency: float | None = None
    cheap: int = 50_000_000
    seed: int = 0
    threads: int | None = None
