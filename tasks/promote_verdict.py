"""Whether a candidate with other models may serve: it must retrieve better than what serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final, Literal

from mmcore.media.reasons import Language
from storage.schemas import MODALITIES

MEASURE: Final = "RR"
"""The measure that decides: the mean reciprocal rank."""

Why = Literal["", "worse", "equal", "across", "lost", "unmeasured", "same"]

TOLD: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "": "",
            "worse": "what serves is better: RR {before:.4f}, and {after:.4f} with it",
            "equal": "what serves is as good: RR {before:.4f} with either",
            "across": "what serves finds one medium by another better, by its mean RR",
            "lost": "with it these can be asked no more: {names}",
            "unmeasured": "unmeasured: no direction is scored both with what serves and with it",
            "same": "nothing else than what serves already",
        },
        "zh": {
            "": "",
            "worse": "正在使用的更好：RR {before:.4f}，换用后为 {after:.4f}",
            "equal": "正在使用的同样好：RR 均为 {before:.4f}",
            "across": "跨媒体检索时，正在使用的更好（平均 RR）",
            "lost": "换用后无法再检索：{names}",
            "unmeasured": "未测量：没有一个方向在两边都有分数",
            "same": "与正在使用的相同",
        },
    }
)
"""Why a candidate does not serve."""

Scores = Mapping[str, Mapping[str, float]]
"""Direction → measure → mean, as a manifest's evaluation has it."""

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison says; ``why`` the candidate may not serve, "" where it may."""

    before: float | None = None  # of what serves, over the directions that both have
    after: float | None = None
    across: Pair | None = None  # the same of those from one medium to another
    directions: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()  # what was measured before, and cannot be any more
    why: Why = ""
    said: str = ""  # where it is none of these

    @property
    def reason(self) -> str:
        """Why the candidate may not serve, in English; "" where it may."""
        return self.said or TOLD["en"][self.why].format(**asdict(self), names=", ".join(self.lost))

    @property
    def passed(self) -> bool:
        """Whether the candidate may serve."""
        return not self.why


def verdict(before: Scores, after: Scores) -> Verdict:
    """Compare by the mean of MEASURE over the directions that both have.

    Their queries have to be the same ones: the lake's held-out captions. A candidate that is not
    higher does not pass; nor does one that is lower over those directions that lead from one
    medium to another, by however little, that cannot be compared, or that answers less.
    """
    one, other = _measured(before), _measured(after)
    common = tuple(name for name in one if name in other)
    lost = tuple(name for name in one if name not in other)
    if not common:
        return Verdict(lost=lost, why="unmeasured")
    means = _means(common, one, other)
    led = tuple(name for name in common if _across(name))
    across = _means(led, one, other) if led else None
    why: Why = "lost" if lost else ""
    if not lost and means[1] < means[0]:
        why = "worse"
    elif not lost and across and across[1] < across[0]:
        why = "across"
    elif not lost and means[1] == means[0]:
        why = "equal"
    return Verdict(*means, across, common, lost, why)


def _means(names: tuple[str, ...], one: Mapping[str, float], other: Mapping[str, float]) -> Pair:
    before, after = (sum(of[name] for name in names) / len(names) for of in (one, other))
    return before, after


def _across(name: str) -> bool:
    """Whether a direction (``text:en→image``) leads from a modality to another one."""
    source, _, target = (side.partition(":")[0] for side in name.partition("→"))
    return source != target and {source, target} <= set(MODALITIES)


def _measured(scores: Scores) -> dict[str, float]:
    return {name: means[MEASURE] for name, means in scores.items() if MEASURE in means}
