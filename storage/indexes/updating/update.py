"""A new index from the last one and what changed, where that is as good as building it afresh.

Big files are shared with the last build. What came goes to a small exact index beside the codes
(the delta), what went to a list of ids that nobody may find (the dead). A delta that would slow
searches down is folded into a copy of the codes.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.indexes.card import (
    CARD,
    CODES,
    DEAD,
    DELTA,
    TRUTH,
    VECTORS,
    Fresh,
    IndexCard,
    Reached,
    read_card,
)
from storage.indexes.choosing.choose import stored
from storage.indexes.choosing.kinds import kinds
from storage.indexes.choosing.truth import Truth, load_truth, truth_key
from storage.indexes.choosing.tuning import Asked, below, latency_of, reached_by, recall_of
from storage.indexes.choosing.vectors_file import rows_of, write_vectors
from storage.indexes.files import Index
from storage.indexes.goal import Goal
from storage.indexes.questions import ENOUGH, Questions
from storage.indexes.searching.together import Together
from storage.indexes.updating.carry import carried
from storage.indexes.updating.changes import Change, Sought, compared
from storage.indexes.updating.fold import (
    MOST_LATE,
    Made,
    Sums,
    drift,
    folded,
    refuse_damage,
    shared,
    too_long,
)
from storage.places.atomic import replacing, write_bytes
from storage.places.place import children, remove

MOST_DEAD: Final = 0.2  # of the rows of the codes
MOST_GROWN: Final = 0.5  # more, or fewer, rows than when it was built afresh
MOST_DRIFT: Final = 1.5  # times the imbalance of the lists when it was built afresh
MOST_LOST: Final = 0.005  # of the recall that it had when it was built afresh
_OURS: Final = (CODES, VECTORS, DELTA, DEAD, TRUTH)
_SMALL: Final = (CARD, DELTA, DEAD, TRUTH)  # of which rows, answers and settings are copied
_ABOUT: Final = ("space", "modality", "rows", "created_at", "build", "faiss_version")
_log = logging.getLogger(__name__)


def updated(
    before: Path,
    to: Path,
    wanted: Sought,
    questions: Questions | None,
    goal: Goal,
    about: IndexCard,
) -> IndexCard | None:
    """Write the folder ``to`` of an index of the ``wanted`` rows, made from the build ``before``.

    ``about`` has space, modality, rows, dimension, time and name of the build; the card returned
    has all the rest. A finished build is kept as it is. None, and nothing written, where it has
    to be built afresh: it is exact, and small or of a latency that nobody measured; over a fifth
    of the codes would be dead; there are half as many rows more or fewer than when it was built
    afresh, or lists half as uneven again; more of the delta than a twentieth of the rows cannot be
    folded; or what is measured is below the goal, or .005 below the recall that it had then.

    Raises ValueError and UnsoundVectorError for rows that no index could be built of, and
    CorruptLakeError, which names it, where a file of before is damaged: one that would be copied
    from has to have the checksum that ``wanted`` knows of it.
    """
    if CARD in children(to):
        return read_card(to / CARD)
    remove([to / name for name in _OURS])  # of a run that was interrupted
    try:
        update = _Update.begun(before, wanted, goal, about)
        made = update.made(before, to)
        return update.written(made, *update.measured(made, questions, before), to)
    except _AfreshError as why:
        remove([to / name for name in _OURS])
        _log.info("the index %s is built afresh: %s", to.name, why)
        return None


class _AfreshError(Exception):
    """An update would not be as good as an index that is built afresh."""


@dataclass(frozen=True, slots=True, eq=False)
class _Update:
    """An update under way: what changed since the build with the card ``last``."""

    last: IndexCard
    fresh: Fresh
    change: Change
    goal: Goal
    about: IndexCard
    sums: Sums

    @classmethod
    def begun(cls, before: Path, wanted: Sought, goal: Goal, about: IndexCard) -> _Update:
        """Compare the rows; _AfreshError where what changed is too much."""
        last = read_card(before / CARD)
        small = [name for name in _SMALL if name in last.names]
        refuse_damage(before, small, wanted.sums)
        cheap = last.type == "flat" and max(last.rows, about.rows) * about.dim <= goal.cheap
        if cheap or last.dim != about.dim or len(wanted.ids) != about.rows:
            raise _AfreshError("exact and small" if cheap else "rows of another kind")
        if last.type == "flat" and goal.latency is not None and last.reached is None:
            raise _AfreshError("exact, and nobody knows how slow")
        opened = Index.open(before)
        fresh = last.fresh or Fresh(
            rows=last.rows,
            recall=None if last.reached is None else last.reached.recall,
            imbalance=drift(opened.engine),
        )
        if abs(about.rows - fresh.rows) > MOST_GROWN * fresh.rows:
            raise _AfreshError(f"{about.rows} rows, and {fresh.rows} when it was built")
        change = compared(opened.engine, wanted, int(MOST_GROWN * fresh.rows))
        if change is None or len(change.dead) > MOST_DEAD * len(change.alive):
            raise _AfreshError("too many rows changed")
        return cls(last, fresh, change, goal, about, wanted.sums)

    def made(self, before: Path, to: Path) -> Made:
        """The new engine, its files of codes and vectors still those of before, or folded."""
        if not too_long(self.change, self.goal.k):
            made = shared(before, self.change, self.sums)
        elif self.last.mapped:
            raise _AfreshError("its codes are on disk, too many to be changed in memory")
        else:
            refuse_damage(before, (CODES, VECTORS), self.sums)
            made = folded(before, to, self.change, self.goal.threads)
        why = self._spoiled(made)
        if why:
            raise _AfreshError(why)
        return made

    def _spoiled(self, made: Made) -> str:
        """What of the new index is out of bounds; ``""`` for nothing."""
        late, now = len(made.delta), drift(made.engine)
        if made.index is not None and late > MOST_LATE * self.about.rows:
            return f"{late} rows changed that cannot be folded"
        if now and self.fresh.imbalance and now > MOST_DRIFT * self.fresh.imbalance:
            return f"lists are uneven: {now:.2f}, {self.fresh.imbalance:.2f} when it was built"
        kind = next(
            (one for one in kinds(self.fresh.rows, self.about.dim) if one.name == self.last.type),
            None,
        )
        if kind is None:
            return f"{self.fresh.rows} rows have no index {self.last.type}"
        kind = kind.on_disk() if self.last.mapped else kind
        memory = kind.memory(len(made.engine.stored)) + made.delta.vectors.nbytes
        if self.goal.memory is not None and memory > self.goal.memory:
            return f"{memory / 1e6:,.0f} MB"
        return ""

    def measured(
        self, made: Made, questions: Questions | None, before: Path
    ) -> tuple[Reached | None, Truth | None]:
        """Recall on the reporting half, and its answers; _AfreshError where it is too low."""
        if self.last.reached is None:
            return None, None
        kept, setting = self._reporting(questions, before), self.last.setting
        reporting = Asked(kept.questions, kept.truth.first(self.goal.k))
        recalls = recall_of(made.engine, reporting, setting, self.goal)
        looks = self.last.reached.looks
        reached = reached_by(recalls, reporting.questions, self.goal.k, looks)
        if missed := below(recalls, reporting.questions, self.goal):
            raise _AfreshError(missed)
        if reached.recall < self._least(reached):
            raise _AfreshError(f"recall {reached.recall:.4f}")
        if self.goal.latency is not None:
            taken = latency_of(made.engine, reporting, setting, self.goal.k, time.perf_counter)
            if taken > self.goal.latency:
                raise _AfreshError(f"{taken:.2g} ms")
        return reached, kept.truth

    def _reporting(self, questions: Questions | None, before: Path) -> Asked:
        """The half of the queries that did not tune, and exact answers: those that still hold."""
        if questions is None or len(questions) < ENOUGH:
            live = Together.of(self.change.before.stored, self.change.alive, self.change.delta)
            questions = stored(live.ids, live.vectors, self.goal.seed)
        rows = questions.halves(self.goal.seed)[1]
        old, half = load_truth(before / TRUTH, None), questions.take(rows)
        if old is not None and len(old.ids) == len(questions):  # of a build: for both halves
            old = old.take(rows)
        truth = carried(old, half, self.change, self.goal.k, self.goal.threads)
        key = truth_key(f"build {self.about.build}", half, self.goal.k)
        return Asked(half, Truth(truth.ids, truth.scores, key))

    def _least(self, reached: Reached) -> float:
        """The recall that it may not be below."""
        last = self.last.reached
        alike = last is not None and last.asked == reached.asked and last.k == reached.k
        if self.fresh.recall is None or not alike:
            return self.goal.recall
        return max(self.goal.recall, self.fresh.recall - MOST_LOST)

    def written(
        self, made: Made, reached: Reached | None, truth: Truth | None, to: Path
    ) -> IndexCard:
        """Write what is not written yet; the card last."""
        files = [*made.write(to)]
        if len(made.delta):
            vectors = made.delta.vectors
            write_vectors(to / DELTA, made.delta.ids, self.about.dim, rows_of(vectors))
            files.append(DELTA)
        if len(made.dead):
            _save(to / DEAD, made.dead)
            files.append(DEAD)
        if truth is not None:
            truth.save(to / TRUTH)
            files.append(TRUTH)
        card = self.last.model_copy(
            update={
                **{name: getattr(self.about, name) for name in _ABOUT},
                "files": tuple(files),
                "reached": reached,
                "updates": self.last.updates + 1,
                "fresh": self.fresh,
                "dead": len(made.dead),
                "added": len(made.delta),
            }
        )
        write_bytes(to / CARD, card.model_dump_json(indent=2).encode(), final=True)
        return card


def _save(path: Path, ids: NDArray[np.int64]) -> None:
    with replacing(path, final=True) as temporary, temporary.open("wb") as file:
        np.save(file, ids)
