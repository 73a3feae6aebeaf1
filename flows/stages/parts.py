"""A very large first run, part by part: what is done serves while the rest is computed.

Each part is an ordinary run over an even sample of the files (``mmcore.media.partly``), each
sample holding the ones before. So a part is as sound as any snapshot, a run that was killed goes
on with the next one, and the last run is over everything.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mmcore.media.crawl import Walked
from mmcore.media.partly import part_of
from mmcore.specs import PartialSpec
from storage.manifest import Manifest, Partial
from storage.snapshot import Snapshot
from tasks.forecast import Ahead

log = logging.getLogger(__name__)

GROWTH: Final = 4
"""A part has at least this fraction more than the last: indexes are built anew with each."""

REST: Final = 0.8
"""A part of more than this share is no part: everything comes next."""


@dataclass(slots=True)
class Parts:
    """Which part of the sources a run takes next, while nothing whole serves."""

    spec: PartialSpec
    grouping: str
    part: Partial | None = None  # the one under way; None: all
    _rate: float | None = None  # files a second, of the part before
    _began: float = 0.0
    _had: int = 0

    def cut(
        self, walked: tuple[Walked, ...], published: Snapshot | None, ahead: Ahead | None
    ) -> tuple[Walked, ...]:
        """The roots, or of each root what belongs to the part that comes next."""
        before = published.manifest.partial if published else None
        self._measure(before)
        self.part = None
        if published is not None and before is None:
            return walked
        of = _files(walked)
        target = self._target(before.files if before else 0, of, ahead)
        if not 0 < target < REST * of:
            return walked
        share = max(target / of, before.share if before else 0.0)
        cut = tuple(part_of(one, share, self.grouping) for one in walked)
        files = _files(cut)
        if not files:
            return walked
        self.part = Partial(share=share, files=files, of=of)
        log.info("a part first: %s of %s files", f"{files:,}", f"{of:,}")
        return cut

    def marked(self, manifest: Manifest, published: Snapshot | None) -> Manifest:
        """The candidate of a part, which says that it is one; that of everything as it is."""
        if self.part is None:
            return manifest
        now, before = manifest.projection, published.manifest.projection if published else None
        mine = now.version if now and (before is None or now.version != before.version) else None
        part = self.part.model_copy(update={"projection": mine})
        return manifest.model_copy(update={"partial": part})

    def _measure(self, before: Partial | None) -> None:
        """How fast the part before went; the clock starts again."""
        now = time.monotonic()
        if self.part is not None and before is not None and now > self._began:
            self._rate = (before.files - self._had) / (now - self._began)
        self._began, self._had = now, before.files if before else 0

    def _target(self, done: int, of: int, ahead: Ahead | None) -> int:
        """How many files the next part should have; 0: all, at once."""
        if self.spec.files is not None:
            step = self.spec.files
        elif not self.spec.hours or ahead is None:
            return 0
        else:
            seconds = ahead.reading + max(ahead.reading, ahead.models)
            rate = self._rate or of / max(seconds, 1e-9)
            step = int(rate * self.spec.hours * 3600)
        return done + max(step, done // GROWTH, 1)


def taught(published: Snapshot | None) -> Snapshot | None:
    """What serves, where it has learned from all there was; a part fits and freezes for itself."""
    return None if published is None or published.manifest.partial else published


def fitted_by_a_part(published: Snapshot | None) -> bool:
    """Whether the projection that serves was fitted by a part: the next run fits another.

    One that somebody trained, or promoted, since then stays.
    """
    told = published.manifest if published else None
    if told is None or told.partial is None or told.projection is None:
        return False
    return told.partial.projection == told.projection.version


def _files(walked: Sequence[Walked]) -> int:
    return sum(not entry.manifest for one in walked for entry in one.entries)
