"""Choose what is to be forgotten out of all kept snapshots; changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from storage.erasure.holdings import Holdings, Place
from storage.erasure.selection import Selection, select
from storage.errors import NothingToForgetError
from storage.keys import read_key
from storage.layout import Layout
from tasks.erasure.erase import kept_snapshots
from tasks.names import Names

_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person named, and what goes with it."""

    items: frozenset[int]
    refused: tuple[Place, ...]
    selection: Selection
    several: dict[str, int] = field(default_factory=dict)  # path → items that have it, if several


def choose(lake: Layout, paths: Iterable[str], items: Iterable[str], *, content: bool) -> Choice:
    """Find the items that have the files at ``paths``, and those called ``items`` (ROOT/KEY).

    A path of which there is no item may be that of a refused file. Raises NothingToForgetError
    for names that no kept snapshot has, UnerasableError when one of those is damaged.
    """
    kept = kept_snapshots(lake)
    holdings, names = Holdings.of(kept), Names.of(lake, [one.manifest for one in kept])
    ids: set[int] = set()
    refused: set[Place] = set()
    several: dict[str, int] = {}
    missing = []
    for text in paths:
        places = names.places(text)
        mine = set(holdings.at(places)["item_id"].to_pylist())
        at = [] if mine else holdings.refused_at(places)
        ids |= mine
        refused |= set(at)
        if len(mine) > 1:
            several[text] = len(mine)
        if not (mine or at):
            missing.append(text)
    for text in items:
        known = holdings.known(names.items(text))
        ids |= known
        if not known:
            missing.append(text)
    if missing:
        raise NothingToForgetError(lake.root, missing, _hint(names, holdings, missing))
    return _choice(lake, holdings, ids, refused, several, content=content)


def choose_ids(
    lake: Layout, ids: Collection[int], refused: Collection[Place], *, content: bool
) -> Choice:
    """The same for items whose ids are known."""
    holdings = Holdings.of(kept_snapshots(lake))
    return _choice(lake, holdings, set(ids), set(refused), {}, content=content)


def _choice(
    lake: Layout,
    holdings: Holdings,
    ids: set[int],
    refused: set[Place],
    several: dict[str, int],
    *,
    content: bool,
) -> Choice:
    key = read_key(lake) or b""  # without one nothing is written yet
    selection = select(holdings, ids, refused, key, content=content)
    return Choice(frozenset(ids), tuple(sorted(refused)), selection, several)


def _hint(names: Names, holdings: Holdings, missing: Iterable[str]) -> str:
    aliases = ", ".join(sorted(alias for alias, _ in names.roots)) or "none"
    inner = [one for text in missing if (one := _inside(names.places(text), holdings))]
    inner += [one for text in missing if (one := _meant(text, holdings))]
    told = "" if not inner else f"{'; '.join(inner)}; or "
    return (
        f"no kept snapshot has it: {told}say ROOT/path (the roots are {aliases}), a path on disk"
        " below a root, or --item ROOT/KEY. It may be forgotten already; of what only dropped"
        " snapshots had, docs/operations.md (Erasure) says how it goes"
    )


def _meant(text: str, holdings: Holdings) -> str:
    """The files whose names end as ``text`` does, as they are to be named; or ""."""
    found = holdings.ending(text.rpartition("/")[2])
    if not found:
        return ""
    return f"did you mean {', '.join(found[:_EXAMPLES])}{_and_more(found)}"


def _inside(places: Collection[Place], holdings: Holdings) -> str:
    """What to name in place of a folder, or of a manifest, whose captions have places; or ""."""
    for root, path in sorted(places):
        for end, what in (("/", "is a folder: name its files"), ("#", "is a manifest: name rows")):
            if found := holdings.below(root, path + end):
                examples = ", ".join(f"{root}/{one}" for one in found[:_EXAMPLES])
                return f"{root}/{path} {what}, or their items ({examples}{_and_more(found)})"
    return ""


def _and_more(found: Collection[str]) -> str:
    return f" and {len(found) - _EXAMPLES} more" if len(found) > _EXAMPLES else ""
