"""How verdicts of the gate, and what they are made of, look on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.console import Console

from flows.terminal.verdicts import verdict_line
from flows.terminal.wrapping import plain
from mmcore.evaluation.reporting import words
from mmcore.evaluation.scores import Finding
from mmcore.media.reasons import Language

AGAINST: Final[Mapping[Language, str]] = {
    "en": ", compared with snapshot {baseline}",
    "zh": "，与快照 {baseline} 比较",
}
UNPROVEN: Final[Mapping[Language, str]] = {
    "en": "fell by more than it may, by chance perhaps: {names}",
    "zh": "下降超出允许范围，但可能出于偶然：{names}",
}


def gate(verdict: str, baseline: int | None, why: str = "", language: Language = "en") -> str:
    """What the gate said of a snapshot, compared with which, or why not."""
    told = verdict_line(verdict, language)
    if baseline is not None:
        told += AGAINST[language].format(baseline=baseline)
    if not why:
        return told
    return f"{told}{'：' if language == 'zh' else ': '}{plain(getattr(words.why(why), language))}"


def findings(out: Console, found: Sequence[Finding], language: Language) -> None:
    """A line for each: a cross for what blocks, an exclamation mark for what is warned of."""
    for finding in found:
        sign, style = ("✗", "red") if finding.action == "block" else ("!", "yellow")
        told = getattr(words.told(finding), language)
        rule = f" [dim]{plain(finding.rule)}[/]" if finding.rule else ""
        out.print(f"[{style}]{sign}[/] {plain(told)}{rule}", highlight=False, soft_wrap=True)
    if len(found) > 1:
        out.print(f"[dim]{getattr(words.counted(found), language)}[/]", highlight=False)


def unproven(out: Console, names: Sequence[str], language: Language) -> None:
    """Directions that fell by more than they may, which the test does not bear out."""
    if names:
        told = UNPROVEN[language].format(names=("、" if language == "zh" else ", ").join(names))
        out.print(plain(told), style="yellow", highlight=False, soft_wrap=True)


def alarms(out: Console, lines: Iterable[str]) -> None:
    """What somebody should look into."""
    for line in lines:
        out.print(plain(line), style="red", highlight=False, soft_wrap=True)
