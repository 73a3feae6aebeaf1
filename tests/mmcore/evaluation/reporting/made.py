"""Reports and outcomes made by hand, with something of everything."""

import re
from datetime import UTC, datetime

import numpy as np

from mmcore.evaluation.outcomes import HELD_OUT, Outcome
from mmcore.evaluation.ranking import Ranking
from mmcore.evaluation.scores import (
    Compared,
    Coverage,
    Direction,
    Finding,
    GateVerdict,
    IndexRecall,
    Report,
    Unscored,
    Worst,
)

WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>一只猫"


def worst(query=SCRIPT, first="狗", *expected, **fields):
    """A query that did badly."""
    return Worst(
        query=query,
        expected=list(expected) or ["猫/1"],
        first=first,
        rank=12,
        relevant=4,
        **fields,
    )


def direction(name="text:zh→image", *found, **fields):
    """A direction with some worst queries."""
    given = {
        "queries": 1234,
        "gallery": 5000,
        "means": {"Success@10": 0.25, "RR": 0.5},
        "median_rank": 3.5,
        "chance": 0.0002,
        "without_results": ["ab12"],
        "worst": list(found),
    }
    return Direction(name=name, **{**given, **fields})


def report(**fields):
    """A report with something of everything."""
    coverage = Coverage(
        modality="image", files=9, contents=8, embedded=6, quarantined=2, segments=6, items=6
    )
    recall = IndexRecall(index="e5-small-p1-image", recall=1.0, queries=200, asked="queries")
    given = {
        "snapshot": 7,
        "run": "run-1",
        "evaluated_at": WHEN,
        "preset": "embedded",
        "encoders": ["e5-small 0123"],
        "projection": "e5-small/p1",
        "fusion": None,
        "held_out": 0.2,
        "status": "measured",
        "reason": "",
        "queries": 1234,
        "directions": [direction("text:zh→image", worst())],
        "unscored": [Unscored(name="audio→image", queries=3)],
        "index_recall": [recall],
        "coverage": [coverage],
        "languages": {"en": 3, "zh": 2},
        "counts": {"items": 6, "segments_image": 6},
        "quarantine": {"truncated": 2},
    }
    return Report(**{**given, **fields})


def fallen(name="text:zh→image", before=0.412, after=0.301, action="block"):
    """A comparison that fell, with its interval."""
    drop = before - after
    return Compared(
        direction=name,
        measure="Success@10",
        queries=500,
        groups=250,
        before=before,
        after=after,
        drop=drop,
        low=drop - 0.02,
        high=drop + 0.02,
        p=0.0001,
        adjusted=0.0004,
        rule="*->* Success@10: max_drop=0.02",
        action=action,
    )


def blocked():
    """A verdict that blocks by one direction, and warns of an index."""
    return GateVerdict(
        status="block",
        baseline=6,
        findings=[
            Finding(
                kind="worse",
                subject="text:zh→image",
                measure="Success@10",
                before=0.412,
                after=0.301,
                action="block",
                directions=["text:zh→image"],
            ),
            Finding(
                kind="floor",
                subject="e5-small-p1-image",
                before=0.95,
                after=0.9,
                action="warn",
                directions=["image→audio"],
            ),
        ],
        compared=[fallen("image→audio", 0.5, 0.5, ""), fallen()],
        tested=2,
    )


def outcome(name="text:zh→image", queries=("a", "b"), **fields):
    """Two queries: the first finds its item 7 at once, the second one of three, at rank 2."""
    ranking = Ranking(
        found=(np.array([7, 8]), np.array([7, 9])),
        hits=(np.array([1]), np.array([2])),
        expected=(np.array([7]), np.array([8, 9, 11])),
        relevant=np.array([1, 3]),
        first=np.array([1, 2]),
        sizes=np.array([5, 4]),
    )
    given = {
        "set": HELD_OUT,
        "groups": np.array([700, 800]),
        "categories": ("cats", "dogs"),
        "languages": ("zh", "zh"),
        "masks": (None, None),
        "gallery": 5,
        "kind": "exact",
        "scores": {"RR": np.array([1.0, 0.5])},
        "ranking": ranking,
        "top": ("cats", "cats"),
    }
    return Outcome(name=name, queries=tuple(queries), **{**given, **fields})


def text_of(shown):
    """The words of a page, without its elements."""
    body = shown[shown.index("<body>") :]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body))
