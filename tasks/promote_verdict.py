"""Whether a candidate with other models may serve: it must retrieve better than what serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from mmcore.media.reasons import Language
from mmcore.specs import Spec
from storage.schemas import MODALITIES

if TYPE_CHECKING:
    from mmcore.evaluation.gating.compare import Comparison
    from mmcore.evaluation.known import Known
    from mmcore.evaluation.scores import GateVerdict

MEASURE: Final = "RR"
"""The measure that decides: the mean reciprocal rank."""

Unasked = Literal["", "texts", "few"]
"""Why nothing is known of what a candidate forgets: captions' words are not kept, or too few."""

Why = Literal["", "worse", "equal", "across", "lost", "unsound", "forgets", "unmeasured", "same"]

TOLD: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "": "",
            "worse": "what serves is better: RR {before:.4f}, and {after:.4f} with it",
            "equal": "what serves is as good: RR {before:.4f} with either",
            "across": "what serves finds one medium by another better, by its mean RR",
            "lost": "with it these can be asked no more: {names}",
            "unsound": "its vectors or indexes are not sound: its report names them",
            "forgets": "captions that were learned from find their own items less:"
            " RR {known_before:.4f}, and {known_after:.4f} with it",
            "unmeasured": "unmeasured: no direction is scored both with what serves and with it",
            "same": "nothing else than what serves already",
        },
        "zh": {
            "": "",
            "worse": "正在使用的更好：RR {before:.4f}，换用后为 {after:.4f}",
            "equal": "正在使用的同样好：RR 均为 {before:.4f}",
            "across": "跨媒体检索时，正在使用的更好（平均 RR）",
            "lost": "换用后无法再查询：{names}",
            "unsound": "其向量或索引有问题，详见报告",
            "forgets": "训练过的文字说明更难找到自己的条目：RR {known_before:.4f}，"
            "换用后为 {known_after:.4f}",
            "unmeasured": "未评定：没有一个方向在两边都有得分",
            "same": "与正在使用的相同",
        },
    }
)
"""Why a candidate does not serve."""

Pair = tuple[float, float]
"""With what serves, and with the candidate."""

_INDEX: Final = "index:"  # what an index gives back: no direction


class VerdictSpec(Spec):
    """When a candidate with other models may serve."""

    max_forgotten: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="mean RR that captions which were learned from may lose in finding their own"
        " items, at most; 1: whatever they lose",
    )


@dataclass(frozen=True, slots=True)
class Remembered:
    """One direction asked with captions that what serves was fitted on: mean RR, with either."""

    queries: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison says; ``why`` the candidate may not serve, "" where it may.

    ``damaged``: the models of what serves that are damaged, and can be compared with no more. Then
    nothing has to be shown: with these gone, as good is enough, and so is what is not measured.
    """

    before: float | None = None  # of what serves, over the directions that both have
    after: float | None = None
    across: Pair | None = None  # the same of those from one medium to another
    directions: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()  # what was measured before, and cannot be any more
    why: Why = ""
    said: str = ""  # where it is none of these
    known: Mapping[str, Remembered] = field(default_factory=dict)  # never in the means above
    known_before: float | None = None  # of what serves, over the directions of ``known``
    known_after: float | None = None
    unasked: Unasked = ""  # why ``known`` is empty, where what serves has learned from captions
    damaged: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why the candidate may not serve, in English; "" where it may."""
        return self.said or TOLD["en"][self.why].format(**asdict(self), names=", ".join(self.lost))

    @property
    def passed(self) -> bool:
        """Whether the candidate may serve."""
        return not self.why or bool(self.damaged and self.why in {"unmeasured", "equal"})


def verdict(
    comparison: Comparison | None,
    known: Mapping[str, Remembered] = MappingProxyType({}),
    spec: VerdictSpec | None = None,
    gate: GateVerdict | None = None,
) -> Verdict:
    """Compare by the mean of MEASURE over the directions that both have.

    Their means are over the queries that both have (``gating.compare``); without a comparison
    nothing is measured. A candidate that is not higher does not pass; nor does one that is lower
    over those directions that lead from one medium to another, by however little, that cannot be
    compared, that answers less, or in which the gate found what is wrong, whatever it scores. What
    it gains must not be paid by what was learned from: the mean over ``known`` may not fall by
    more than ``spec`` lets it.
    """
    pairs = {} if comparison is None else _measured(comparison)
    lost = () if comparison is None else comparison.lost
    unsound = gate is not None and _is_unsound(gate)
    if not pairs:
        return _knowing(Verdict(lost=lost, why="unsound" if unsound else "unmeasured"), known)
    led = [pair for name, pair in pairs.items() if _across(name)]
    across = _means(led) if led else None
    found = Verdict(*_means(list(pairs.values())), across, tuple(pairs), lost)
    found = _knowing(found, known)
    return replace(found, why=_why(found, spec or VerdictSpec(), unsound=unsound))


def _is_unsound(gate: GateVerdict) -> bool:
    """Whether it blocks for anything but directions that are gone, which is another reason."""
    return any(found.action == "block" and found.kind != "lost" for found in gate.findings)


def _why(found: Verdict, spec: VerdictSpec, *, unsound: bool) -> Why:
    """The first reason that holds."""
    reasons: dict[Why, bool] = {
        "lost": bool(found.lost),
        "unsound": unsound,
        "worse": _less(found.before, found.after),
        "across": found.across is not None and _less(*found.across),
        "forgets": _less(found.known_before, found.known_after, spec.max_forgotten),
        "equal": found.before == found.after,
    }
    return next((why for why, holds in reasons.items() if holds), "")


def _less(before: float | None, after: float | None, by: float = 0.0) -> bool:
    return before is not None and after is not None and before - after > by


def _knowing(found: Verdict, known: Mapping[str, Remembered]) -> Verdict:
    """It with what became of known captions: means over directions, as of those held out."""
    if not known:
        return found
    before, after = (
        sum(getattr(of, side) for of in known.values()) / len(known)
        for side in ("before", "after")
    )
    return replace(found, known=known, known_before=before, known_after=after)


def remembered(before: Known, after: Known, fewest: int) -> dict[str, Remembered]:
    """Direction → means over the captions that both were asked with, if there are ``fewest``."""
    found = {}
    for name in (name for name in before if name in after):
        one, other = before[name], after[name]
        both = [content for content in one if content in other]
        if len(both) >= max(1, fewest):
            means = (sum(of[content] for content in both) / len(both) for of in (one, other))
            found[name] = Remembered(len(both), *means)
    return found


def _means(pairs: Sequence[Pair]) -> Pair:
    before, after = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    return before, after


def _across(name: str) -> bool:
    """Whether a direction (``text:en→image``) leads from a modality to another one."""
    direction = name.rpartition("/")[2]  # without the user's set
    source, _, target = (side.partition(":")[0] for side in direction.partition("→"))
    return source != target and {source, target} <= set(MODALITIES)


def _measured(comparison: Comparison) -> dict[str, Pair]:
    """Direction → MEASURE with either, where both have it."""
    return {
        name: of[MEASURE]
        for name, of in comparison.means.items()
        if MEASURE in of and not name.startswith(_INDEX)
    }
