"""Whatever happens to a folder and its lake, the lake equals one built from scratch."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from contextlib import redirect_stdout, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import note, settings
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
from PIL import Image

from flows import index_media, maintain
from flows.commands.forget import command as forget
from flows.config.maintain import MaintainConfig
from mmcore.embedding import here
from mmcore.errors import ConfigError
from mmcore.media import crawl
from storage.erasure import orders
from storage.errors import NothingToForgetError
from storage.indexes.exact import exact_search
from storage.layout import Layout
from storage.manifest import Manifest
from storage.publication import roll_back
from storage.records import read_record
from storage.schemas import FUSED, MODALITIES, Modality
from storage.snapshot import Snapshot, current, published
from storage.verification.verify import verify
from tests import crashes, media

COLOURS = ("red", "green", "blue", "white", "black", "yellow", "pink", "grey")
BROKEN = len(COLOURS)  # the variant of a picture that cannot be decoded
STEMS = st.sampled_from(("cat", "dog", "walks/猫", "walks/2"))
KINDS = st.sampled_from((".png", ".txt", ".zh.txt"))
VARIANTS = st.integers(0, BROKEN)
DISK_CHANGES = st.integers(1, 160)  # a run makes about as many
OPENED = 978_307_200  # seconds, 2001: no mtime is young, each is later than the last one


class Lake(RuleBasedStateMachine):
    """A folder that changes, and a lake that is brought up to it, killed, rolled back, tidied."""

    files = Bundle("files")

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
        with crashes.dying(self.patch, self.lake, at=at) as disk:
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
        with crashes.dying(self.patch, self.lake, at=at) as disk:
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
        with crashes.dying(self.patch, self.lake, at=at) as disk:
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

    # How

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
        start = index_media.start_candidate

        def given(*told):
            made = start(*told)
            model = [file for file in manifest.files if file.path.startswith("models/")]
            update = {"projection": manifest.projection, "files": [*made.files, *model]}
            return made.model_copy(update=update)

        with self.patch.context() as patch:
            patch.setattr(index_media, "start_candidate", given)
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


NONE = (0, 0, 0)  # nothing lost, doubled or mixed


class Counted:
    """Counts the contents that are embedded, by fingerprint, and the files that are hashed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.embedded: dict[str, list[str]] = defaultdict(list)
        self.hashed: list[str] = []
        embeds, reads = here.embed_prepared, crawl._read

        def embedding(prepared, *rest):
            of = self.embedded[prepared.shard.encoder.fingerprint]
            of += [content.content_id for content in prepared.shard.contents]
            return embeds(prepared, *rest)

        def reading(*told):
            self.hashed.append(told[-1].path)
            return reads(*told)

        patch.setattr(here, "embed_prepared", embedding)
        patch.setattr(crawl, "_read", reading)

    def clear(self) -> None:
        """Count from nothing."""
        self.embedded.clear()
        self.hashed.clear()


def answers_exactly(snapshot: Snapshot) -> None:
    """Every index gives the scores of exact search, and each id its own row's score."""
    for name in (*MODALITIES, FUSED):
        index = snapshot.index(name)
        if index is None:
            continue
        ids, vectors = snapshot.fused()[:2] if name == FUSED else snapshot.vectors(name)[1:]
        queries = vectors[:3]
        scores, found = index.search(queries, 4)
        np.testing.assert_allclose(scores, exact_search(ids, vectors, queries, 4)[0], atol=1e-5)
        row = {int(one): vector for one, vector in zip(ids, vectors, strict=True)}
        for query, near, hits in zip(queries, scores, found, strict=True):
            for score, hit in zip(near, hits, strict=True):
                assert hit == -1 or score == pytest.approx(float(query @ row[int(hit)]), abs=1e-5)


def listing(lake: Path) -> dict[Path, tuple[int, int]]:
    """Every file of a lake with its size and mtime.

    The lock apart, which a run holds, and the note that somebody looked.
    """
    apart = ("LOCK", "LOOKED")
    found = (p for p in lake.rglob("*") if p.is_file() and not p.name.startswith(apart))
    return {p: (p.stat().st_size, p.stat().st_mtime_ns) for p in found}


@pytest.fixture(autouse=True)
def quiet():
    """Hundreds of runs."""
    with crashes.quick():
        yield


@pytest.mark.timeout(600)
class TestLake(Lake.TestCase):
    """A few sequences, in the usual suite."""

    settings = settings(max_examples=6, stateful_step_count=15)


@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestLakeAtLength(Lake.TestCase):
    """Many and longer ones."""

    settings = settings(max_examples=200, stateful_step_count=30)
