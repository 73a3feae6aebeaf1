"""How what is forgotten looks on a terminal, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.commands.forget.words import WORDS, Words, counted
from flows.commands.search.show import hits
from flows.terminal.tables import MOST, grid
from flows.terminal.wrapping import plain
from mmcore.counting import Number
from mmcore.media.reasons import Language
from mmcore.types import Hit
from storage.layout import Layout

if TYPE_CHECKING:  # they load faiss and Prefect
    from storage.erasure.selection import Chosen, Selection
    from tasks.erasure.choose import Choice
    from tasks.erasure.erase import Erased


class Show:
    """Shows in one language."""

    def __init__(self, language: Language) -> None:
        self.words: Words = WORDS[language]

    def forgotten(
        self, out: Console, layout: Layout, selection: Selection, done: Erased | None
    ) -> None:
        """The summary of `mmindex forget`: what goes, what stays for others, and the proof."""
        words = self.words
        out.print(f"[bold]mmindex[/] {self._head(selection, done)}")
        table = grid()
        self._listed(table, words["forget"], [self._line(item) for item in selection.items])
        refused = [plain(f"{root}/{path}") for root, path in selection.refused]
        self._listed(table, words["quarantined"], refused)
        shared = [self._line(item) for item in selection.shared]
        if selection.stays:
            stay = self._count(len(selection.stays), "content")
            table.add_row(words["stay"], words["stay-count"].format(contents=stay))
            self._listed(table, "", shared)
            for name in ("stays", "content-option"):
                table.add_row("", f"[dim]{words[name]}[/]")
        elif selection.shared:
            self._listed(table, words["lose"], shared)
        self._end(out, table, layout, done)

    def ended(self, out: Console, layout: Layout, done: Erased) -> None:
        """What became of an erasure that waited for its end, or its proof."""
        head = self.words["left" if done.proof.left else "ended"]
        out.print(f"[bold]mmindex[/] {head}")
        self._end(out, grid(), layout, done)

    def waits(self, err: Console, why: str) -> None:
        """An erasure is not ended, though the command came for something else."""
        said = self.words["waits"].format(why=plain(why))
        err.print(said, style="red", highlight=False, soft_wrap=True)

    def several(self, out: Console, choice: Choice) -> None:
        """Paths that more than one item has, and all items that would go."""
        words = self.words
        for text, count in choice.several.items():
            said = words["several"].format(path=plain(text), items=self._count(count, "item"))
            out.print(said, highlight=False)
        for item in choice.selection.items[:MOST]:
            out.print(f"  {self._line(item)}", highlight=False)
        left = len(choice.selection.items) - MOST
        if left > 0:
            out.print(f"  [dim]{words['more'].format(count=left)}[/]")
        out.print(f"[dim]{words['one-of-them']}[/]")

    def found(self, out: Console, best: Sequence[Hit]) -> None:
        """What a query found, with the numbers by which it is confirmed."""
        hits(out, best)

    def declined(self, out: Console) -> None:
        """Nobody confirmed."""
        out.print(f"[bold]mmindex[/] {self.words['declined']}")

    def readmitted(self, out: Console, count: int, stay: int, *, dry_run: bool) -> None:
        """The summary of `mmindex forget --readmit`, and that other files may be out still."""
        words = self.words
        said = words["would-lift" if dry_run else "lifted"].format(
            tombstones=self._count(count, "tombstone"),
            them=words["that" if count == 1 else "those"],
        )
        out.print(f"[bold]mmindex[/] {said}", soft_wrap=True)
        if stay:
            left = self._count(stay, "tombstone")
            said = words["stays-out" if stay == 1 else "stay-out"].format(tombstones=left)
            out.print(f"[dim]{said}[/]", soft_wrap=True)

    def _count(self, count: int, what: str) -> str:
        return counted(count, what, self.words)

    def _end(self, out: Console, table: Table, layout: Layout, done: Erased | None) -> None:
        if done is not None:
            self._done(table, done)
        table.add_row(self.words["lake"], escape(str(layout.root)))
        out.print(table)
        if done is not None:
            out.print(f"[dim]{self.words['beyond']}[/]", soft_wrap=True)

    def _head(self, selection: Selection, done: Erased | None) -> str:
        files = sum(len(item.files) for item in selection.items) + len(selection.refused)
        what = self.words["counts"].format(
            items=self._count(len(selection.items), "item"),
            files=self._count(files, "file"),
            contents=self._count(len(selection.contents), "content"),
        )
        return self.words["planned" if done is None else "forgot"].format(what=what)

    def _done(self, table: Table, done: Erased) -> None:
        words = self.words
        numbers = words["between"].join(map(str, done.reissued)) or words["none"]
        removed = words["files"].format(count=done.removed)
        table.add_row(words["snapshots"], words["anew"].format(numbers=numbers, removed=removed))
        if done.candidates:
            names = plain(words["between"].join(done.candidates))
            table.add_row(words["candidates"], words["dropped"].format(names=names))
        if done.reports:
            table.add_row(words["reports"], words["cleaned"].format(count=done.reports))
        for number, one in enumerate(done.sets):
            told = words["set-gone" if one.whole else "of-set"].format(
                name=plain(one.name), queries=Number(one.queries), judged=Number(one.judged)
            )
            table.add_row("" if number else words["sets"], told)
        for model in done.models:
            seen = words["seen"].format(
                model=plain(model.model),
                contents=self._count(model.contents, "content"),
                captions=self._count(model.captions, "caption"),
            )
            table.add_row(words["model"], f"[yellow]{seen}[/]")
            table.add_row("", f"[dim]{words['weights']}[/]")
        table.add_row(words["proof"], self._proof(done))

    def _proof(self, done: Erased) -> str:
        words, proof = self.words, done.proof
        read = words["read"].format(
            files=words["files"].format(count=proof.files),
            megabytes=proof.bytes / 1e6,
            patterns=Number(proof.patterns),
        )
        if not proof.left:
            return words["clean"].format(read=read)
        return words["found"].format(read=read, files=self._count(len(proof.left), "file"))

    def _listed(self, table: Table, name: str, lines: Sequence[str]) -> None:
        for number, line in enumerate(lines[:MOST]):
            table.add_row("" if number else name, line)
        left = len(lines) - MOST
        if left > 0:
            table.add_row("", f"[dim]{self.words['more-json'].format(count=left)}[/]")

    def _line(self, item: Chosen) -> str:
        files = ", ".join(plain(path) for path in item.files[:MOST])
        left = len(item.files) - MOST
        more = " " + self.words["more"].format(count=left) if left > 0 else ""
        return f"{plain(f'{item.root}/{item.key}')} [dim]{files}{more}[/]"


def item_json(item: Chosen) -> dict[str, Any]:
    """An item for programs; ids are strings, since JavaScript's numbers are exact to 2^53 only."""
    return {
        "item_id": str(item.item_id),
        "root": item.root,
        "key": item.key,
        "files": list(item.files),
    }
