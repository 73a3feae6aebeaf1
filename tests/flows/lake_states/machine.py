"""All that can happen to a folder and its lake, as a machine of Hypothesis."""

from __future__ import annotations

import io
import os
import shutil
from contextlib import redirect_stdout, suppress

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from flows.commands.forget import command as forget
from mmcore.errors import ConfigError
from storage.erasure import orders
from storage.errors import NothingToForgetError
from storage.layout import Layout
from storage.publication import roll_back
from storage.published import current, published
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests import crashes, deaths
from tests.flows.lake_states.compared import NONE, listing
from tests.flows.lake_states.watched import BROKEN, Watched

STEMS = st.sampled_from(("cat", "dog", "walks/猫", "walks/2"))
KINDS = st.sampled_from((".png", ".txt", ".zh.txt"))
VARIANTS = st.integers(0, BROKEN)
DISK_CHANGES = st.integers(1, 160)  # a run makes about as many


class Lake(Watched, RuleBasedStateMachine):
    """A folder that changes, and a lake that is brought up to it, killed, rolled back, tidied."""

    files = Bundle("files")

    def teardown(self) -> None:
        """The lake as it was left is brought up to the folder once more."""
        try:
            if any(self.folder.rglob("*.*")):
                self.run()
        finally:
            self.patch.undo()
            shutil.rmtree(self.work)

    @initialize(target=files)
    def start(self):
        """Two pictures with captions, so that a projection is fitted."""
        names = ("cat.png", "cat.txt", "dog.png", "dog.txt")
        for number, name in enumerate(names):
            self.write(name, number)
        self.run()
        return multiple(*names)

    # What happens to the folder

    @rule(target=files, stem=STEMS, kind=KINDS, variant=VARIANTS)
    def add(self, stem, kind, variant):
        """A new file, or another one in its place."""
        self.write(stem + kind, variant)
        return stem + kind

    @rule(file=files, variant=VARIANTS)
    def edit(self, file, variant):
        """A file with other bytes; of a text, an edited caption."""
        if (self.folder / file).exists():
            self.write(file, variant)

    @rule(target=files, file=consumes(files), stem=STEMS)
    def move(self, file, stem):
        """Renamed, or moved to another folder; its mtime stays."""
        return self.take(file, stem, os.replace)

    @rule(target=files, file=files, stem=STEMS)
    def copy(self, file, stem):
        """The same content twice."""
        return self.take(file, stem, shutil.copy, new=True)

    @rule(target=files, file=files, stem=STEMS)
    def copy_with_times(self, file, stem):
        """The same content and the same mtime."""
        return self.take(file, stem, shutil.copy2)

    @rule(file=consumes(files))
    def delete(self, file):
        """Its item has one file less, or is gone."""
        (self.folder / file).unlink(missing_ok=True)

    @rule(file=files)
    def touch(self, file):
        """Another mtime, the same bytes."""
        if (self.folder / file).exists():
            self.stamp(self.folder / file)

    # What happens to the settings

    @rule(modality=st.sampled_from((Modality.TEXT, Modality.IMAGE)), version=st.integers(1, 3))
    def change_model(self, modality, version):
        """Another version of an encoder, or an earlier one again."""
        self.versions[modality] = version

    @rule(grouping=st.sampled_from(("auto", "stem", "folder")))
    def regroup(self, grouping):
        """Other items of the same files."""
        self.grouping = grouping

    # What happens to the lake

    @precondition(lambda self: any(self.folder.rglob("*.*")))
    @rule()
    def run(self):
        """Bring the lake up to the folder; the same again finds nothing to do."""
        result = self.indexed()
        if result.status == "published":
            self.learn(result.snapshot)
        before = listing(self.lake)
        self.counts.clear()
        assert self.indexed().status == "unchanged"
        assert listing(self.lake) == before
        assert self.counts.embedded == {}

    @precondition(lambda self: any(self.folder.rglob("*.*")))
    @rule(at=DISK_CHANGES)
    def crash(self, at):
        """A run dies at a change of the disk: what serves is whole, old or new."""
        served = current(Layout(self.lake))
        with deaths.dying(self.patch, self.lake, at=at) as disk:
            self.indexed()
        note(f"died at {disk.told}" if disk.dead else "outlived its death")
        self.recount()
        number = current(Layout(self.lake))
        if number != served:
            self.learn(number)

    @precondition(lambda self: len(published(Layout(self.lake))) > 1)
    @rule(back=st.integers(1, 3))
    def rollback(self, back):
        """An older snapshot serves again."""
        numbers = published(Layout(self.lake))
        number = numbers[max(0, len(numbers) - 1 - back)]
        roll_back(Layout(self.lake), number)
        note(f"rolled back to {number} of {numbers}")

    @rule(keep=st.integers(1, 3), grace=st.sampled_from((0, 30)))
    def tidy(self, keep, grace):
        """Maintain: older snapshots go, with grace 0 also all that no kept one names."""
        self.maintained(keep, grace)
        if grace == 0:
            self.recount()

    @rule(at=st.integers(1, 80), keep=st.integers(1, 3))
    def crash_tidy(self, at, keep):
        """Maintain dies at a change of the disk."""
        with deaths.dying(self.patch, self.lake, at=at) as disk:
            self.maintained(keep, 0)
        note(f"died at {disk.told}" if disk.dead else "outlived its death")
        self.recount()

    @rule(file=files)
    def forget(self, file):
        """The items of a file are erased from every kept snapshot, and stay away."""
        items, interrupted = self.items_of(file), orders.interrupted(Layout(self.lake))
        if self.forgotten(file):
            assert not self.items_of(file) & items
            interrupted = True
        if interrupted:
            self.lost()

    @rule(file=files, at=st.integers(1, 80))
    def crash_forget(self, file, at):
        """An erasure dies at a change of the disk; the next one, or the next run, ends it."""
        with deaths.dying(self.patch, self.lake, at=at) as disk:
            self.forgotten(file)
        note(f"died at {disk.told}" if disk.dead else "outlived its death")
        self.lost()

    @rule(file=files)
    def readmit(self, file):
        """What was forgotten may come back with the next run; an erasure that waits is ended."""
        interrupted = orders.interrupted(Layout(self.lake))
        with suppress(NothingToForgetError, ConfigError), redirect_stdout(io.StringIO()):
            wanted = forget.Wanted(paths=(str(self.folder / file),))
            forget.run_readmit(str(self.lake), wanted, forget.Manner(as_json=True))
        if interrupted:
            self.lost()

    # What holds, whatever happened

    @invariant()
    def every_snapshot_is_whole(self):
        """Each kept snapshot verifies, and has the rows and vectors it was published with."""
        layout = Layout(self.lake)
        self.meet()
        for number in published(layout):
            snapshot = Snapshot.open(layout, number)
            assert verify(layout, snapshot.manifest).findings == ()
            assert crashes.differences(crashes.contents_of(snapshot), self.known[number]) == NONE
