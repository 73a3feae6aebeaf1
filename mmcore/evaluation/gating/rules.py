"""The rules of the gate, as a person writes them: ``text:zh->image Success@10: max_drop = 0.02``.

Loads nothing heavy: the flows' configs are made of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import isfinite
from typing import Final, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, field_validator

from mmcore.errors import ConfigError
from mmcore.specs import Spec

DEFAULT: Final = (
    "all* RR: max_drop=0.01",
    "*->* Success@10: max_drop=0.02",
    "index:* recall@10: max_drop=0.02",
    "coverage:* share: max_drop=0.02",
    "quarantine share: max_rise=0.05, action=warn",
)

Family = Literal["direction", "index", "coverage", "quarantine", "drift"]
Action = Literal["block", "warn"]

ALPHA: Final = 0.01
"""How often a night without a loss may be blocked, where a rule does not say."""

_SCORES: Final = r"(Success@[1-9]\d*|(RR|AP|nDCG|R|P|F1|accuracy|agreement)(@[1-9]\d*)?)"
_MEASURES: Final[dict[Family, str]] = {
    "direction": _SCORES,
    "index": r"recall@10",
    "coverage": r"share",
    "quarantine": r"share",
    "drift": r"overlap|shift",
}
_FAMILIES: Final[dict[str, Family]] = {
    "index:": "index",
    "coverage:": "coverage",
    "quarantine": "quarantine",
    "drift:": "drift",
}
_NAMES: Final[dict[Family, frozenset[str]]] = {
    "direction": frozenset({"max_drop", "alpha", "min", "action"}),
    "index": frozenset({"max_drop", "alpha", "min", "action"}),
    "coverage": frozenset({"max_drop", "min", "action"}),
    "quarantine": frozenset({"max_rise", "action"}),
    "drift": frozenset({"max_drop", "max_rise", "min", "action"}),
}
_WHOLE_WORD: Final = re.compile(r"\btext_(?=\w)")  # ``text_zh`` is ``text:zh``


@dataclass(frozen=True, slots=True)
class Rule:
    """How far one measure of one subject may fall, or rise."""

    text: str  # as it is told
    family: Family
    subject: str  # a glob
    measure: str
    max_drop: float | None = None
    max_rise: float | None = None
    least: float | None = None  # ``min``: what it may not lie below, whatever it was before
    alpha: float = ALPHA
    action: Action = "block"

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Read one rule; ConfigError shows the place of what is wrong."""
        return _Reader(text).rule()

    def matches(self, names: Sequence[str], measure: str) -> bool:
        """Whether it is about a subject, known by any of ``names``, and that measure."""
        return self.measure == measure and any(fnmatchcase(name, self.subject) for name in names)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a gate, in their order."""

    each: tuple[Rule, ...]

    @classmethod
    def of(cls, spec: GateSpec) -> Rules:
        """Read those of a spec."""
        return cls(tuple(Rule.parse(text) for text in spec.rules))

    def for_row(self, family: Family, names: Sequence[str], measure: str) -> Rule | None:
        """The rule for one measure of a subject: the last that is about it."""
        mine = (rule for rule in reversed(self.each) if rule.family == family)
        return next((rule for rule in mine if rule.matches(names, measure)), None)


class GateSpec(Spec):
    """When a snapshot that retrieves worse is kept from being published."""

    enabled: bool = Field(
        default=True,
        description="whether what is worse is blocked; off, every snapshot is `unmeasured`",
    )
    rules: tuple[str, ...] = Field(
        default=DEFAULT,
        description="SUBJECT MEASURE: max_drop = X[, alpha = 0.01][, min = Y][, action = warn];"
        " a later rule wins",
    )
    max_changed: float = Field(
        default=0.001,
        ge=0,
        le=1,
        description="share of segments whose vector may be another one, though their encoder and"
        " space are the same",
    )
    index_slack: float = Field(
        default=0.03,
        ge=0,
        le=1,
        description="how far below its goal the recall of an index may be",
    )
    flips: PositiveInt = Field(
        default=10_000, description="random sign flips of the significance test"
    )
    seed: NonNegativeInt = Field(default=0, description="decides the flips")
    max_latency: NonNegativeFloat = Field(
        default=0.0, description="p95 of a search in milliseconds that is warned of; 0: none"
    )

    @field_validator("rules")
    @classmethod
    def _can_be_read(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        for text in rules:
            Rule.parse(text)
        return rules


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads ``SUBJECT MEASURE: NAME = VALUE, NAME = VALUE``."""

    text: str

    def rule(self) -> Rule:
        head, colon, _ = self._head()
        words = head.rsplit(maxsplit=1)
        if not colon or len(words) != len(("subject", "measure")):
            raise self._error(len(head), "SUBJECT MEASURE: is missing before the settings")
        subject, measure = _plain(words[0].strip()), words[1]
        family = _family(subject)
        if not re.fullmatch(_MEASURES[family], measure):
            known = {"direction": "such as RR or Success@10"}.get(family, _MEASURES[family])
            raise self._error(head.rindex(measure), f"{measure!r} is no measure of it: {known}")
        told = self._settings(len(head) + 1, family)
        if not {"max_drop", "max_rise", "min"} & set(told):
            raise self._error(len(self.text), f"one of {_some(family)} is missing")
        return Rule(
            text=self.text.strip(),
            family=family,
            subject=subject,
            measure=measure,
            max_drop=self._number(told, "max_drop"),
            max_rise=self._number(told, "max_rise"),
            least=self._number(told, "min"),
            alpha=self._alpha(told),
            action=self._action(told),
        )

    def _head(self) -> tuple[str, str, str]:
        """Before and after the colon that ends the measure; ``text:zh`` has one of its own."""
        found = re.search(r":(?=\s*[A-Za-z_]*\s*(=|$))", self.text)
        if found is None:
            return self.text, "", ""
        return self.text[: found.start()], ":", self.text[found.end() :]

    def _settings(self, start: int, family: Family) -> dict[str, tuple[int, str]]:
        """Name → place and text of its value."""
        told: dict[str, tuple[int, str]] = {}
        for part in self.text[start:].split(","):
            name, equals, value = (of.strip() for of in part.partition("="))
            place = start + len(part) - len(part.lstrip())
            if not equals or not value:
                raise self._error(place, f"{part.strip()!r} is not NAME = VALUE")
            if name not in _NAMES[family]:
                raise self._error(
                    place, f"{name!r} is none of {', '.join(sorted(_NAMES[family]))}"
                )
            if name in told:
                raise self._error(place, f"{name!r} comes twice")
            told[name] = (start + part.index("=") + 1, value)
            start += len(part) + 1
        return told

    def _number(self, told: dict[str, tuple[int, str]], name: str) -> float | None:
        if name not in told:
            return None
        place, value = told[name]
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not (isfinite(number) and number >= 0):
            raise self._error(place, f"{name} is a number from 0, not {value!r}")
        return number

    def _alpha(self, told: dict[str, tuple[int, str]]) -> float:
        alpha = self._number(told, "alpha")
        if alpha is None:
            return ALPHA
        if not 0 < alpha < 1:
            raise self._error(told["alpha"][0], "alpha lies between 0 and 1")
        return alpha

    def _action(self, told: dict[str, tuple[int, str]]) -> Action:
        place, value = told.get("action", (0, "block"))
        if value == "block":
            return "block"
        if value == "warn":
            return "warn"
        raise self._error(place, f"action is block or warn, not {value!r}")

    def _error(self, place: int, why: str) -> ConfigError:
        return ConfigError(f"the rule {self.text!r}, at character {place + 1}: {why}")


def _plain(subject: str) -> str:
    """With the arrow and the colon that directions have."""
    return _WHOLE_WORD.sub("text:", subject.replace("->", "→"))


def _family(subject: str) -> Family:
    kind = "quarantine" if subject == "quarantine" else subject.partition(":")[0] + ":"
    return _FAMILIES.get(kind, "direction")


def _some(family: Family) -> str:
    return " or ".join(sorted(_NAMES[family] - {"alpha", "action"}))
