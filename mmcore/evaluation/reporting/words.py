"""What a report says, in English and in Chinese: ``words.toml``, and names made of parts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from markupsafe import Markup, escape

from mmcore.counting import Number
from mmcore.evaluation.scores import Finding, GateVerdict

_COMMAND: Final = re.compile("`([^`]*)`")
_BOTH: Final = Markup(
    '<span class="en" lang="en">{}</span><span class="zh" lang="zh-Hans">{}</span>'
)


WHOLE: Final = ("present", "withheld")
"""Sources of directions in which whole items ask."""

_WITHOUT: Final = "without "
_BY_RULE: Final = {"worse", "recall", "coverage"}
_OF_INDEXES: Final = {"recall", "floor", "ids"}
_OF_VECTORS: Final = {"norm", "changed", "drift"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """The same in both languages; a page shows one of them."""

    en: str
    zh: str

    def __html__(self) -> str:
        """Both, escaped, each in an element of its language; one where they are equal.

        What stands between backticks is a command.
        """
        en, zh = (
            _COMMAND.sub(r"<code>\1</code>", str(escape(text))) for text in (self.en, self.zh)
        )
        return Markup(en) if en == zh else _BOTH.format(Markup(en), Markup(zh))


Fact = Phrase | str | int | float | None


def phrase(name: str, /, **facts: Fact) -> Phrase:
    """``section.key`` of the words, filled in."""
    section, _, key = name.partition(".")
    en, zh = _words()[section][key]
    return Phrase(
        en.format(**{fact: _in(value, "en") for fact, value in facts.items()}),
        zh.format(**{fact: _in(value, "zh") for fact, value in facts.items()}),
    )


def side(name: str) -> Phrase:
    """``text:zh`` → Chinese text; one that is not known is told as it is."""
    return phrase(f"side.{name}") if name in _words()["side"] else Phrase(name, name)


def mask(kinds: str) -> Phrase:
    """``image+text`` → image + text; ``without audio`` tells what was left out."""
    without = kinds.removeprefix(_WITHOUT)
    if without != kinds:
        return phrase("name.without", side=side(without))
    found = [side(kind) for kind in kinds.split("+")]
    return Phrase(" + ".join(p.en for p in found), " + ".join(p.zh for p in found))


def named(subject: str) -> Phrase:
    """A direction, an index, a modality, as a person calls it."""
    if subject in _words()["name"]:
        return phrase(f"name.{subject}")
    head, _, rest = subject.partition(":")
    if head == "index":
        return phrase("name.index", name=rest)
    if head == "coverage":
        return side(rest)
    source, arrow, target = subject.rpartition("→")
    if not arrow:
        return side(subject)
    if source in WHOLE:
        return phrase(f"name.{source}", side=side(target))
    return _arrow(source, target)


def listed(names: Iterable[Phrase]) -> Phrase:
    """One after another."""
    found = list(names)
    return Phrase(", ".join(p.en for p in found), "、".join(p.zh for p in found))


def told(finding: Finding) -> Phrase:
    """A finding as a sentence, and the directions that it touches, where it is no direction."""
    sentence = phrase(
        f"finding.{'below' if _is_below(finding) else finding.kind}",
        subject=_subject(finding),
        least=number(limit(finding.rule, "min")),
        measure=measure(finding.measure),
        before=number(finding.before),
        after=number(finding.after),
        compared=f"{finding.compared:,}",
        of=f"{finding.of:,}",
    )
    others = [name for name in finding.directions if name != finding.subject]
    if finding.kind in {"worse", "lost", "silent", "shrunk"} or not others:
        return _begun(sentence)
    touches = phrase("finding.touches", directions=listed(map(named, others[:3])))
    return _begun(Phrase(f"{sentence.en} {touches.en}", sentence.zh + touches.zh))


def limit(rule: str, name: str) -> float | None:
    """What the text of a rule says of ``max_drop``, ``min`` and the like; None: nothing."""
    found = re.search(rf"\b{name}\s*=\s*([0-9.eE+-]+)", rule)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None


def _is_below(finding: Finding) -> bool:
    """Whether nothing fell, and yet it is less than it may be."""
    before, after = finding.before, finding.after
    fell = before is not None and after is not None and after < before
    least = limit(finding.rule, "min")
    return finding.kind in _BY_RULE and not fell and least is not None


def _subject(finding: Finding) -> Phrase:
    """What is worse or wrong: an index, vectors of a modality in a space, or a direction."""
    if finding.kind in _OF_INDEXES:
        return phrase("name.index", name=finding.subject)
    modality, slash, space = finding.subject.partition("/")
    if finding.kind in _OF_VECTORS and slash:
        return phrase("name.vectors", side=side(modality), space=space)
    return named(finding.subject)


def headline(verdict: GateVerdict) -> Phrase:
    """What a verdict comes to, in a sentence or two."""
    if verdict.status in {"failed", "unmeasured"}:
        told_why = why(verdict.why) if verdict.why else phrase("headline.why-nothing")
        return phrase(f"headline.{verdict.status}", why=told_why)
    if not verdict.findings:
        return phrase("headline.pass")
    first, counts = told(verdict.findings[0]), counted(verdict.findings)
    if verdict.status == "warn":
        return phrase("headline.warn", first=first, counts=counts)
    return phrase("headline.more", first=first, counts=counts) if verdict.findings[1:] else first


def counted(findings: Iterable[Finding]) -> Phrase:
    """How many findings block, and how many warn: the one way in which they are counted."""
    actions = [finding.action for finding in findings]
    told = (("blocks", actions.count("block")), ("warnings", actions.count("warn")))
    return listed(plural(f"count.{name}", count) for name, count in told if count)


def plural(name: str, count: int, /, **facts: Fact) -> Phrase:
    """``name`` with ``count``, or ``name-1`` where that is one."""
    return phrase(f"{name}-1" if count == 1 else name, count=f"{count:,}", **facts)


def measure(name: str) -> Phrase:
    """A measure as a person calls it; most have one name in both languages."""
    return phrase(f"measure.{name}") if name in _words()["measure"] else Phrase(name, name)


def trigger(name: str) -> Phrase:
    """What made an entry of the history."""
    return phrase(f"trigger.{name}") if name in _words()["trigger"] else Phrase(name, name)


def fusion(told: str) -> Phrase:
    """A fusion, whose name is the first word: ``weighted: image 1``, ``mean 0123``."""
    found = re.match(r"\w+", told)
    if found is None or found[0] not in _words()["fusion"]:
        return Phrase(told, told)
    name, rest = phrase(f"fusion.{found[0]}"), told[found.end() :]
    return Phrase(name.en + rest, name.zh + rest)


def why(told: str) -> Phrase:
    """Why something was not measured or compared; words that are not known stay English."""
    for pattern, zh in _reasons():
        if found := pattern.fullmatch(told):
            facts = {key: _reason(key, value) for key, value in found.groupdict().items()}
            return Phrase(told, zh.format(**facts))
    return Phrase(told, told)


def _reason(key: str, value: str) -> str:
    return named(value).zh if key == "name" else why(value).zh


@cache
def _reasons() -> list[tuple[re.Pattern[str], str]]:
    """The English of the words as patterns, and the Chinese."""
    found = []
    for en, zh in _words()["why"].values():
        parts = (re.escape(part) for part in re.split(r"(\{\w+\})", en))
        text = "".join(re.sub(r"^\\\{(\w+)\\\}$", r"(?P<\1>.+?)", part) for part in parts)
        found.append((re.compile(text), zh))
    return found


def number(value: float | None) -> str:
    """Three digits of a share; fewer of what is large."""
    if value is None:
        return "–"
    if value == int(value) and abs(value) > 1:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"  # noqa: PLR2004 - as digits go


def signed(value: float) -> str:
    """With a sign, a true minus among them; what rounds to nothing has none."""
    shown = f"{abs(value):.3f}"
    if float(shown) == 0:
        return shown
    return f"+{shown}" if value > 0 else f"\N{MINUS SIGN}{shown}"


def _arrow(source: str, target: str) -> Phrase:
    """A direction; of a user's set its name stands in front."""
    head, _, source = source.rpartition("/")
    kind, _, language = source.rpartition(":")
    asked = side(language if kind == "pairs" else source)
    found = side(target)
    front = f"{head}: " if head else ""
    return Phrase(f"{front}{asked.en} → {found.en}", f"{front}{asked.zh} → {found.zh}")


def _begun(sentence: Phrase) -> Phrase:
    """With a capital letter."""
    return Phrase(sentence.en[:1].upper() + sentence.en[1:], sentence.zh)


def _marked(text: str) -> Markup:
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(text))))


def _in(value: Fact, language: str) -> str | Number:
    if isinstance(value, Number):
        return value
    return getattr(value, language) if isinstance(value, Phrase) else str(value)


@cache
def _words() -> dict[str, dict[str, tuple[str, str]]]:
    """Section → key → English, Chinese: ``words.toml``."""
    text = files("mmcore.evaluation.reporting").joinpath("words.toml").read_text("utf-8")
    return tomllib.loads(text)
