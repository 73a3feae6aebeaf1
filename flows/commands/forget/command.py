"""What `mmindex forget` does: choose, ask, erase, prove; and let in again."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import typer

from flows.commands.forget.show import Show, item_json
from flows.commands.forget.words import counted
from flows.terminal.language import language_of
from flows.terminal.printing import ERR, OUT, print_json
from mmcore.errors import ConfigError
from mmcore.types import Hit, Query
from storage import publication
from storage.erasure import orders
from storage.erasure.selection import Selection
from storage.erasure.tombstones import read_tombstones
from storage.errors import ErasureError, NothingToForgetError
from storage.keys import check_key, lake_key
from storage.layout import Layout
from storage.locks import writer_lock
from storage.places.place import place_of
from storage.published import manifest_of
from storage.snapshot import Snapshot
from tasks.erasure import erase
from tasks.erasure.choose import Choice, choose, choose_ids
from tasks.erasure.readmit import lift, lifted_by

_COMMAS: Final = str.maketrans(",，、", "   ")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be forgotten, as it was said."""

    paths: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    query: str | None = None
    k: int = 10
    content: bool = False  # what others have of it goes too

    @property
    def anything(self) -> bool:
        """Whether anything was said."""
        return bool(self.paths or self.items or self.query is not None)


@dataclass(frozen=True, slots=True)
class Manner:
    """How to go about it."""

    yes: bool = False
    dry_run: bool = False
    wait: float = 0.0
    as_json: bool = False
    lang: str | None = None

    @property
    def show(self) -> Show:
        """What people are shown; ConfigError for a language that is none."""
        return Show(language_of(self.lang, os.environ))


def run_forget(lake: str, wanted: Wanted, manner: Manner) -> None:
    """`mmindex forget`: erase what is named, and prove that nothing is left.

    An erasure that waits for its end, or its proof, is ended first; with nothing named that is
    all. Raises ErasureError where a proof finds something, NothingToForgetError where nothing is
    there, ConfigError where it is to be confirmed and nobody can.
    """
    show, layout = manner.show, Layout(place_of(lake))
    manifest_of(layout)  # a lake, before the lock makes a folder
    check_key(layout)
    _check(layout, wanted, manner)
    ended = None if manner.dry_run else _ended(layout, manner.wait)
    if ended is not None and not manner.as_json:
        show.ended(OUT, layout, ended)
    choice = _wanted(layout, wanted, manner, ended)
    done = None
    if choice is not None and not manner.dry_run:
        done = _erased(layout, choice, wanted, manner.wait)
    _tell(layout, choice, done, ended, manner)
    last = done or ended
    if last is not None and last.proof.left:
        raise ErasureError(layout.root, last.proof.left)


def _wanted(
    layout: Layout, wanted: Wanted, manner: Manner, ended: erase.Erased | None
) -> Choice | None:
    """What goes; nothing where it may be what was ended just now."""
    try:
        return _chosen(layout, wanted, manner) if wanted.anything else None
    except NothingToForgetError:
        if ended is None:
            raise
        return None


def _tell(
    layout: Layout,
    choice: Choice | None,
    done: erase.Erased | None,
    ended: erase.Erased | None,
    manner: Manner,
) -> None:
    selection = None if choice is None else choice.selection
    if manner.as_json:
        print_json(_json(layout, selection, done, ended))
    elif selection is not None:
        manner.show.forgotten(OUT, layout, selection, done)
    elif ended is None:
        manner.show.declined(OUT)


def run_readmit(lake: str, wanted: Wanted, manner: Manner) -> None:
    """`mmindex forget --readmit`: lift tombstones, so that the next run indexes those files."""
    show, layout = manner.show, Layout(place_of(lake))
    manifest_of(layout)
    check_key(layout)
    _check_readmitted(wanted, manner)
    if manner.dry_run:
        found = lifted_by(layout, Snapshot.open(layout), wanted.paths, wanted.items)
    else:
        with writer_lock(layout, manner.wait):
            ended = erase.end_erasure(layout)
            if ended is not None and ended.why_not:
                show.waits(ERR, ended.why_not)
            found = lifted_by(layout, Snapshot.open(layout), wanted.paths, wanted.items)
            lift(layout, found)
    if not found:
        why = "nothing that lies there now was forgotten before"
        if wanted.items:
            why += (
                "; --item lifts what was taken from that item alone, while its file stayed for"
                " others: to let in the files of an item that was forgotten, name them"
            )
        raise NothingToForgetError(layout.root, [*wanted.paths, *wanted.items], why)
    stay = len(read_tombstones(layout)) - (len(found) if manner.dry_run else 0)
    if manner.as_json:
        status = "planned" if manner.dry_run else "readmitted"
        told = {"status": status, "lake": str(layout.root), "tombstones": len(found)}
        print_json(told | {"tombstones_that_stay": stay})
    else:
        show.readmitted(OUT, len(found), stay, dry_run=manner.dry_run)


def _check_readmitted(wanted: Wanted, manner: Manner) -> None:
    if not (wanted.paths or wanted.items):
        raise ConfigError("name the files to let in again: mmindex forget --readmit PATH…")
    given = {
        "--query": wanted.query is not None,
        "--content": wanted.content,
        "--yes": manner.yes,
    }
    if unused := [name for name, is_given in given.items() if is_given]:
        raise ConfigError(f"--readmit lets in what is named, and takes no {', '.join(unused)}")


def _check(layout: Layout, wanted: Wanted, manner: Manner) -> None:
    named = bool(wanted.paths or wanted.items)
    if not wanted.anything and not manner.dry_run and orders.interrupted(layout):
        return
    if named == (wanted.query is not None):
        raise ConfigError(
            "say what to forget: PATH…, --item ROOT/KEY, or --query TEXT (that alone)"
        )


def _ended(layout: Layout, wait: float) -> erase.Erased | None:
    """End an erasure that was interrupted."""
    if orders.pending(layout) is None:
        return None
    with writer_lock(layout, wait):
        publication.finish(layout)
        return erase.finish(layout)


def _chosen(layout: Layout, wanted: Wanted, manner: Manner) -> Choice | None:
    """What goes; None where a person was asked and said no."""
    if wanted.query is not None:
        hits = _confirmed(_hits(layout, wanted), manner)
        if not hits:
            return None
        return choose_ids(layout, {hit.item_id for hit in hits}, (), content=wanted.content)
    show = manner.show
    choice = choose(layout, wanted.paths, wanted.items, content=wanted.content)
    if choice.several and not manner.dry_run:
        if not manner.as_json:
            show.several(ERR, choice)
        count = counted(len(choice.selection.items), "item", show.words)
        if not _yes(show.words["ask-all"].format(items=count), manner):
            return None
    elif _asks(manner):
        show.forgotten(ERR, layout, choice.selection, None)
        return choice if typer.confirm(show.words["ask"], default=False, err=True) else None
    return choice


def _asks(manner: Manner) -> bool:
    """Whether somebody is there to be asked; a script that names a path has said what it wants."""
    return sys.stdin.isatty() and not (manner.yes or manner.dry_run or manner.as_json)


def _hits(layout: Layout, wanted: Wanted) -> list[Hit]:
    from mmcore.search.searcher import Searcher  # noqa: PLC0415 - loads the encoders

    hits = Searcher.open(str(layout.root)).search(Query(text=wanted.query, k=wanted.k))
    if not hits:
        raise NothingToForgetError(layout.root, [wanted.query or ""], "nothing was found")
    return hits


def _confirmed(hits: Sequence[Hit], manner: Manner) -> Sequence[Hit]:
    """Those of the hits that are to go; all of them with --yes, and in a dry run."""
    if not manner.as_json:
        manner.show.found(ERR, hits)
    if manner.yes or manner.dry_run:
        return hits
    _refuse_unasked("what a query finds is only erased when it is confirmed")
    words = manner.show.words
    answer = typer.prompt(words["ask-which"], default=words["nothing"], err=True)
    if answer.strip().lower() in {"all", words["all"]}:
        return hits
    numbers = answer.translate(_COMMAS).split()
    if not all(n.isdecimal() and 1 <= int(n) <= len(hits) for n in numbers):
        return ()
    return [hits[int(number) - 1] for number in numbers]


def _yes(question: str, manner: Manner) -> bool:
    if manner.yes:
        return True
    _refuse_unasked("a path that several items have erases them all")
    return typer.confirm(question, default=False, err=True)


def _refuse_unasked(why: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigError(f"{why}: look with --dry-run, then say --yes")


def _erased(layout: Layout, choice: Choice, wanted: Wanted, wait: float) -> erase.Erased:
    with writer_lock(layout, wait):
        publication.finish(layout)
        lake_key(layout)  # under which tombstones are hashed
        again = choose_ids(layout, choice.items, choice.refused, content=wanted.content)
        before, now = choice.selection.order, again.selection.order
        if (before.items, before.contents) != (now.items, now.contents):
            raise ConfigError(
                f"{layout.root}: another run changed what these items have in common with others:"
                " nothing was erased, look again"
            )
        return erase.erase(layout, again.selection.order)


def _state(ended: erase.Erased | None) -> str:
    if ended is None:
        return "declined"
    return "waits" if ended.proof.left else "ended"


def _json(
    layout: Layout,
    selection: Selection | None,
    done: erase.Erased | None,
    ended: erase.Erased | None,
) -> dict[str, Any]:
    """What was chosen and done, for programs; ids are strings.

    What was ended before is the whole, or, where something was erased after it, ``ended``.
    """
    status = "erased" if done else "planned" if selection else _state(ended)
    told: dict[str, Any] = {"status": status, "lake": str(layout.root)}
    if done is None:
        done = ended
    elif ended is not None:
        told["ended"] = asdict(ended)
    if selection is not None:
        told["items"] = [item_json(item) for item in selection.items]
        told["refused"] = [f"{root}/{path}" for root, path in selection.refused]
        told["contents"] = len(selection.contents)
        told["contents_that_stay"] = len(selection.stays)
        told["shared_with"] = [item_json(item) for item in selection.shared]
    return told if done is None else told | asdict(done)
