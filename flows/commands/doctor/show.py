"""How the findings look on a terminal: a line each, and below it what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from rich.console import Console

from flows.commands.doctor.run import Told
from flows.commands.doctor.words import titles, told
from flows.terminal.wrapping import plain, wrapped
from mmcore.inspection.machine.checked import State
from mmcore.media.reasons import Language

MARKS: Final[Mapping[State, str]] = MappingProxyType({"ok": "✓", "warn": "!", "fail": "✗"})
STYLES: Final[Mapping[State, str]] = MappingProxyType(
    {"ok": "green", "warn": "yellow", "fail": "red"}
)
_INDENT: Final = 4
_NARROWEST: Final = 20

WORDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "ok": "all is well: {count} looked at, {seconds:.1f} s",
            "bad": "{fail} to mend, {warn} to know, {count} looked at, {seconds:.1f} s",
        },
        "zh": {
            "ok": "一切正常：检查了 {count} 项，{seconds:.1f} 秒",
            "bad": "需要处理 {fail} 项，需要留意 {warn} 项，共检查 {count} 项，{seconds:.1f} 秒",
        },
    }
)


def title(out: Console, group: str, language: Language) -> None:
    """The heading of a group."""
    out.print(f"\n[bold]{plain(titles(language).get(group, group))}[/]", highlight=False)


def line(out: Console, one: Told, language: Language) -> None:
    """What was found, and what to do; as wide as the terminal is, with no word cut."""
    fact, todo = told(one.found, language)
    state = one.found.state
    _say(out, fact, f"[{STYLES[state]}]{MARKS[state]}[/]", "")
    if todo and state != "ok":
        _say(out, todo, "[green]→[/]", "green", indent=_INDENT)


def _say(out: Console, text: str, mark: str, style: str, *, indent: int = 2) -> None:
    width = max(_NARROWEST, out.width - indent - 2)
    for number, part in enumerate(wrapped(text, width)):
        before = f"{' ' * indent}{mark} " if number == 0 else " " * (indent + 2)
        shown = plain(part)
        told_part = f"[{style}]{shown}[/]" if style else shown
        out.print(before + told_part, highlight=False, soft_wrap=True)


def summary(out: Console, found: Sequence[Told], seconds: float, language: Language) -> None:
    """How much is wrong."""
    counts = Counter(one.found.state for one in found)
    bad = counts["fail"] + counts["warn"]
    text = WORDS[language]["bad" if bad else "ok"].format(
        fail=counts["fail"], warn=counts["warn"], count=len(found), seconds=seconds
    )
    style = STYLES["fail" if counts["fail"] else "warn" if counts["warn"] else "ok"]
    out.print()
    for part in wrapped(text, max(_NARROWEST, out.width)):
        out.print(f"[{style}]{part}[/]", highlight=False, soft_wrap=True)


def as_json(found: Sequence[Told], seconds: float, language: Language) -> dict[str, Any]:
    """All that was found, for programs; ``status`` is that of the worst."""
    counts = Counter(one.found.state for one in found)
    worst = "fail" if counts["fail"] else "warn" if counts["warn"] else "ok"
    return {
        "status": worst,
        "counts": {state: counts[state] for state in MARKS},
        "seconds": round(seconds, 2),
        "checks": [_check_json(one, language) for one in found],
    }


def _check_json(one: Told, language: Language) -> dict[str, Any]:
    fact, todo = told(one.found, language)
    return {
        "group": one.group,
        "check": one.found.check,
        "status": one.found.state,
        "code": one.found.said,
        "means": fact,
        "todo": todo or None,
        "facts": dict(one.found.facts),
    }
