"""A folder, its lake, and what is expected of them whatever happens."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import note
from hypothesis.stateful import multiple
from PIL import Image

from flows import maintain
from flows.commands.forget import command as forget
from flows.config.maintain import MaintainConfig
from flows.stages import assembling
from mmcore.errors import ConfigError
from storage.erasure import orders
from storage.errors import NothingToForgetError
from storage.layout import Layout
from storage.manifest import Manifest
from storage.published import current, published
from storage.records import read_record
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests import crashes, media
from tests.flows.lake_states.compared import NONE, Counted, answers_exactly

COLOURS = ("red", "green", "blue", "white", "black", "yellow", "pink", "grey")
BROKEN = len(COLOURS)  # the variant of a picture that cannot be decoded
OPENED = 978_307_200  # seconds, 2001: no mtime is young, each is later than the last one


class Watched:
    """What is done to a folder and a lake, and what has to hold then."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.work = Path(tempfile.mkdtemp(prefix="mmindex-states-"))
        self.folder, self.lake = self.work / "media", self.work / "lake"
        self.versions: dict[Modality, int] = {}
        self.grouping = "auto"
        self.index = crashes.plain_index(self.patch, self.versions)
        self.counts = Counted(self.patch)
        self.clock = OPENED
        self.done: dict[str, set[str]] = {}  # fingerprint → contents that need no work any more
        self.known: dict[int, crashes.Contents] = {}  # every snapshot as it was published

    def write(self, name, variant):
        """A small picture or text; the same variant gives the same bytes."""
        path = self.folder / name
        if path.suffix == ".txt":
            media.text(path, f"A {COLOURS[variant % BROKEN]} wall.")
        elif variant == BROKEN:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
        else:
            media.png(path, Image.new("RGB", (8, 8), COLOURS[variant]))
        self.stamp(path)

    def stamp(self, path):
        """A later mtime than any other."""
        self.clock += 1
        os.utime(path, (self.clock, self.clock))

    def take(self, file, stem, how, *, new=False):
        """Put a file elsewhere, ``how``; where it is then (nowhere, if it is not there)."""
        path, name = self.folder / file, stem + "." + file.rpartition("/")[2].partition(".")[2]
        if not path.exists() or name == file:
            return multiple()
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        how(path, self.folder / name)
        if new:
            self.stamp(self.folder / name)
        return name

    def indexed(self):
        """One run, its work counted."""
        self.counts.clear()
        interrupted = orders.pending(Layout(self.lake)) is not None
        changed = self.changed(everything=interrupted)  # what was forgotten is told by its hash
        try:
            return self.index(self.folder, self.lake, **self.config())
        finally:
            if interrupted:  # the run ends an erasure first, and that drops what no snapshot holds
                for fingerprint, contents in self.counts.embedded.items():
                    self.done.setdefault(fingerprint, set()).difference_update(contents)
            self.count(changed)
            if interrupted:
                self.lost()

    def count(self, changed):
        """Nothing is embedded twice; what is hashed has other stamps, and is hashed once."""
        for fingerprint, contents in self.counts.embedded.items():
            again = set(contents) & self.done.setdefault(fingerprint, set())
            assert not again, f"{again} were embedded again"
            assert max(Counter(contents).values()) == 1
            self.done[fingerprint] |= set(contents)
        assert set(self.counts.hashed) <= changed
        assert max(Counter(self.counts.hashed).values(), default=1) == 1

    def changed(self, *, everything=False):
        """The files whose size or mtime are not as what serves saw them, or all."""
        layout = Layout(self.lake)
        known = current(layout) and not everything
        rows = Snapshot.open(layout).rows("files").to_pylist() if known else ()
        seen = {row["path"]: (row["size"], row["mtime_ns"]) for row in rows}
        there = {p.relative_to(self.folder).as_posix(): p.stat() for p in self.folder.rglob("*.*")}
        return {n for n, s in there.items() if seen.get(n) != (s.st_size, s.st_mtime_ns)}

    def config(self):
        """What a run is told beside folder and lake."""
        return {
            "crawl": {"grouping": self.grouping},
            "max_deleted_fraction": 1.0,
            "max_bad_fraction": 1.0,
        }

    def learn(self, number):
        """Compare what serves with a lake built from scratch, and remember it."""
        snapshot = Snapshot.open(Layout(self.lake))
        assert snapshot.manifest.number == number
        found = crashes.contents_of(snapshot)
        assert crashes.differences(found, self.from_scratch(snapshot.manifest)) == NONE
        answers_exactly(snapshot)
        self.known[number] = found

    def from_scratch(self, manifest: Manifest) -> crashes.Contents:
        """The folder as a first run makes a lake of it that is given the same projection."""
        scratch = self.work / "scratch"
        scratch.mkdir()
        for name in ("models", "tombstones", "KEY"):  # under KEY, tombstones are hashed
            if (self.lake / name).is_dir():
                shutil.copytree(self.lake / name, scratch / name)
            elif (self.lake / name).exists():
                shutil.copy(self.lake / name, scratch)
        start = assembling.start_candidate

        def given(*told):
            made = start(*told)
            model = [file for file in manifest.files if file.path.startswith("models/")]
            update = {"projection": manifest.projection, "files": [*made.files, *model]}
            return made.model_copy(update=update)

        with self.patch.context() as patch:
            patch.setattr(assembling, "start_candidate", given)
            self.index(self.folder, scratch, **self.config())
        made = crashes.contents_of(Snapshot.open(Layout(scratch)))
        shutil.rmtree(scratch)
        return made

    def maintained(self, keep, grace):
        """One run of maintain; what a compaction publishes holds what its parent does."""
        layout = Layout(self.lake)
        interrupted = orders.pending(layout) is not None
        config = MaintainConfig(lake=str(self.lake), keep=keep, grace_days=grace)
        try:
            result = maintain.maintain.fn(config)
            note(f"maintain: {result.status}, {result.kept} stay, {result.gone} go")
        finally:
            self.meet()
            if interrupted:
                self.lost()

    def meet(self):
        """Know what another step than a run published.

        A compaction holds what its parent does, a publication that was ended what it was to hold.
        """
        layout = Layout(self.lake)
        for number in sorted(set(published(layout)) - self.known.keys()):
            snapshot = Snapshot.open(layout, number)
            compacted = snapshot.manifest.run.endswith("-maintain")
            own = crashes.contents_of(snapshot)
            self.known[number] = self.known[snapshot.manifest.parent] if compacted else own

    def items_of(self, file):
        """The items that have a file, in any kept snapshot."""
        layout = Layout(self.lake)
        every = [Snapshot.open(layout, n).rows("item_files") for n in published(layout)]
        rows = (row for table in every for row in table.to_pylist())
        return {row["item_id"] for row in rows if row["path"] == file}

    def forgotten(self, file):
        """Erase the items of a file; whether there were any."""
        wanted = forget.Wanted(paths=(str(self.folder / file),))
        try:
            with redirect_stdout(io.StringIO()):
                forget.run_forget(str(self.lake), wanted, forget.Manner(yes=True, as_json=True))
        except (NothingToForgetError, ConfigError) as error:
            note(str(error))
            return False
        return True

    def lost(self):
        """After an erasure: nothing is new or other than it was; what there is now is known."""
        layout = Layout(self.lake)
        for number in published(layout):
            if number not in self.known:  # published just now, and not yet looked at
                continue
            found = crashes.contents_of(Snapshot.open(layout, number))
            _, doubled, mixed = crashes.differences(found, self.known[number])
            assert (doubled, mixed) == (0, 0)
            self.known[number] = found
        self.recount()

    def recount(self):
        """After a loss: only what parts record is done."""
        for fingerprint in self.done:
            folders = (self.lake / "embeddings").glob(f"*/*-{fingerprint}")
            self.done[fingerprint] = {
                content
                for folder in folders
                for path in folder.glob("part-*.parquet")
                for content in read_record(path).done
            }
