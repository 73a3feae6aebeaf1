"""What the page shows, laid out: rows and cells, so that its template only writes them down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from markupsafe import Markup

from mmcore.evaluation.outcomes import HELD_OUT
from mmcore.evaluation.reporting import charts
from mmcore.evaluation.reporting.words import (
    WHOLE,
    Phrase,
    fusion,
    listed,
    named,
    phrase,
    side,
    signed,
    why,
)
from mmcore.evaluation.scores import Differing, Direction, Drift, IndexRecall, Report
from storage.indexes.files import FLAT
from storage.schemas import FUSED

_WIDTH, _HEIGHT = 270.0, 20.0  # of a pair of dots
_SHADES: Final = 0.9  # of the fullest cell of a confusion


@dataclass(frozen=True, slots=True)
class Gap:
    """One target asked for in two languages."""

    target: Phrase
    zh: float
    en: float
    difference: str
    picture: Markup


def gaps(report: Report) -> list[Gap]:
    """Chinese beside English for each target, the widest gap first."""
    order = sorted(report.gap.items(), key=lambda pair: -abs(pair[1]["difference"]))
    return [
        Gap(side(name), of["zh"], of["en"], signed(of["difference"]), _dumbbell(of))
        for name, of in order
    ]


def _dumbbell(of: Mapping[str, float]) -> Markup:
    x, middle = charts.linear(0, 1, 6, _WIDTH - 6), _HEIGHT / 2
    zh, en = (x(of["zh"]), middle), (x(of["en"]), middle)
    parts = [charts.rule((x(0), middle), (x(1), middle), "grid"), charts.rule(zh, en, "span dim")]
    parts += [charts.dot(zh, "dot s0", 5), charts.dot(en, "dot s1", 5)]
    told = f"zh {of['zh']:.3f}, en {of['en']:.3f}"
    return charts.svg(_WIDTH, _HEIGHT, Phrase(told, told), parts)


def by_target(report: Report) -> list[tuple[Phrase, list[tuple[Phrase, Direction]]]]:
    """Directions by what is looked for; whole items by the rest, and users' sets, after them."""
    found: dict[str, list[Direction]] = {}
    for direction in report.directions:
        found.setdefault(_group(direction), []).append(direction)
    return [
        (_heading(name), [(_short(d, name), d) for d in of])
        for name, of in sorted(found.items(), key=_last)
    ]


def _short(direction: Direction, group: str) -> Phrase:
    """A direction below its target's name: who asks."""
    if group.startswith("set/"):
        return named(direction.name)
    return side(direction.name.partition("→")[0])


def _group(direction: Direction) -> str:
    if direction.set != HELD_OUT:
        return f"set/{direction.set}"
    source, _, target = direction.name.partition("→")
    return "set/items" if source in WHOLE else target


def _heading(group: str) -> Phrase:
    if group == "set/items":
        return phrase("page.masks")
    name = group.removeprefix("set/")
    return Phrase(f"→ {side(name).en}", f"→ {side(name).zh}") if name == group else side(name)


def _last(group: tuple[str, list[Direction]]) -> tuple[bool, bool, str]:
    return group[0].startswith("set/"), group[0].startswith("text"), group[0]


@dataclass(frozen=True, slots=True)
class Confusion:
    """One direction's table of labels."""

    name: Phrase
    right: int
    count: int
    columns: list[str]
    rows: list[tuple[str, list[tuple[int, str, bool]]]]  # label, (queries, shade, whether right)


def confusions(directions: Sequence[Direction]) -> list[Confusion]:
    """A table for each direction whose items have labels, where there are at least two."""
    return [_confusion(d) for d in directions if len(d.confusion) > 1]


def _confusion(direction: Direction) -> Confusion:
    of = direction.confusion
    columns = list(dict.fromkeys([*of, *(label for row in of.values() for label in row)]))
    count = sum(map(sum, (row.values() for row in of.values())))
    rows = [
        (right, [_cell(row, right, label, sum(row.values())) for label in columns])
        for right, row in of.items()
    ]
    right = sum(row.get(label, 0) for label, row in of.items())
    return Confusion(named(label(direction)), right, count, columns, rows)


def _cell(row: Mapping[str, int], right: str, label: str, total: int) -> tuple[int, str, bool]:
    count = row.get(label, 0)
    return count, f"{_SHADES * count / total * 100:.0f}%", label == right


def by_interest(report: Report) -> list[Direction]:
    """Directions as one wants to look into them: what fell first, then texts, the most asked."""
    findings = report.verdict.findings if report.verdict else []
    touched = dict.fromkeys(name for finding in findings for name in finding.directions)
    place = {name: number for number, name in enumerate(touched)}
    return sorted(
        report.directions,
        key=lambda d: (
            place.get(label(d), len(place)),
            not d.name.startswith("text"),
            -d.queries,
        ),
    )


def label(direction: Direction) -> str:
    """As findings name it: of a user's set with the set before it."""
    own = direction.set == HELD_OUT
    return direction.name if own else f"{direction.set}/{direction.name}"


def languages(report: Report) -> Phrase:
    """How many texts there are of each language."""
    names = {name: side(f"text:{name}") for name in report.languages}
    return listed(_counted(of, report.languages[name]) for name, of in names.items())


def unscored(report: Report) -> Phrase:
    """The directions that were not scored, with their queries, or why."""
    of = [(named(u.name), why(u.why) if u.why else u.queries) for u in report.unscored]
    return listed(_counted(name, told) for name, told in of)


def _counted(name: Phrase, count: int | Phrase) -> Phrase:
    shown = Phrase(f"{count:,}", f"{count:,}") if isinstance(count, int) else count
    return Phrase(f"{name.en} ({shown.en})", f"{name.zh}（{shown.zh}）")


def asked_with(found: IndexRecall) -> Phrase:
    """What asked an index; an exact one has nothing to be measured."""
    if found.kind == FLAT:
        return phrase("said.exact")
    return phrase("said.queries" if found.asked == "queries" else "said.stored")


def ordered_changes(report: Report) -> Iterator[tuple[Phrase, Mapping[str, int]]]:
    """What a diff with the baseline counts, in words."""
    for name, counts in report.changed.items():
        head, _, modality = name.partition("/")
        facts = {"side": side(modality)} if modality else {}
        yield phrase(f"said.{head}", **facts), counts


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of what differs from the baseline."""

    name: Phrase
    before: Phrase
    after: Phrase


def differences(report: Report) -> list[Difference]:
    """What differs, in words, the likely causes first."""
    return [
        Difference(_made(one), _value(one, one.before), _value(one, one.after))
        for one in report.differs or ()
    ]


def _made(one: Differing) -> Phrase:
    if one.what == "count":
        return phrase("made.count", name=counted_name(one.name))
    return phrase(
        "made.fingerprint" if one.name == "fingerprint" else f"made.{one.what}", name=one.name
    )


def _value(one: Differing, told: str) -> Phrase:
    if not told:
        return phrase("page.none")
    return fusion(told) if one.what == "fusion" else Phrase(told, told)


def counted_name(name: str) -> Phrase:
    """What a manifest counts: items, files, segments of a modality."""
    head, _, modality = name.partition("_")
    if head == "segments":
        return phrase("said.segments", side=side(modality))
    return phrase(f"said.{name}") if name in {"items", "files"} else Phrase(name, name)


def set_name(name: str) -> Phrase:
    """A query set: the lake's own has a name in words."""
    return phrase("said.held-out") if name == HELD_OUT else Phrase(name, name)


def moved(report: Report) -> bool:
    """Whether any item, file or segment is another one than in the baseline."""
    return any(count for counts in report.changed.values() for count in counts.values())


def by_language(report: Report) -> list[Direction]:
    """The directions whose queries have more than one language."""
    return [one for one in report.directions if len(one.by_language) > 1]


def evaluated(report: Report) -> Phrase:
    """When it was evaluated, in UTC, and by the clock of the machine that makes the page."""
    here = report.evaluated_at.astimezone()
    when = report.evaluated_at.astimezone(UTC)
    told = f"{when:%Y-%m-%d %H:%M}"
    if here.utcoffset() == when.utcoffset():
        return phrase("page.when", when=told)
    shown = f"{here:%H:%M %Z}" if here.date() == when.date() else f"{here:%Y-%m-%d %H:%M %Z}"
    return phrase("page.when-here", when=told, here=shown)


def baseline(report: Report) -> int | str:
    """The number of the snapshot that it is held against."""
    found = report.verdict.baseline if report.verdict else None
    return "–" if found is None else found


def drift(report: Report) -> list[Drift]:
    """How vectors moved, where there is something to hold them against."""
    held = report.differs is not None or any(one.common for one in report.drift)
    return list(report.drift) if held else []


def uncompared(of: Drift, report: Report) -> Phrase:
    """Why vectors are held against none."""
    if of.modality != FUSED:
        return phrase("page.none-common")
    other = any(one.what == "fusion" for one in report.differs or ())
    return phrase("page.fused-otherwise" if other else "page.fused-moves")


def is_whole(index: IndexRecall) -> bool:
    """Whether it is exact, and gives back all: there is nothing to be read in its row."""
    return index.kind == FLAT and index.recall == 1
