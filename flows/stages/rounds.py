"""A round of `index-media`: one look at the folders, and all that comes of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from flows.config.index import IndexConfig
from flows.telling.clock import Clock
from mmcore.encoders.presets import runtime_of
from mmcore.media.crawl import Walked
from mmcore.types import Source
from storage.layout import Layout
from storage.snapshot import Snapshot
from tasks import privacy
from tasks.crawl import LossLimits
from tasks.fusing import check_trained
from tasks.inputs import in_place, seen_digest, unchanged_since
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


def workplace(config: IndexConfig) -> Workplace:
    """Where a run of ``config`` works, and how."""
    return Workplace(
        Layout(config.lake_root()),
        config.preset,
        config.segmentation,
        config.limits,
        runtime_of(config.preset, config.runtime),
        config.storage,
        config.private,
    )


@dataclass(frozen=True, slots=True)
class Round:
    """What a round is told, where it works, what serves meanwhile, and its clock."""

    config: IndexConfig
    work: Workplace
    published: Snapshot | None
    clock: Clock = field(default_factory=Clock)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The roots, by the names that the lake may know of them."""
        return privacy.veiled_sources(self.config.sources(), self.work)

    @property
    def losses(self) -> LossLimits:
        """How much may be gone."""
        return LossLimits(self.config.max_deleted_fraction, self.config.drop)

    @property
    def rates(self) -> dict[str, float]:
        """Seconds a segment took in each model, as the runs before had it."""
        return dict(self.published.manifest.rates) if self.published else {}

    def seen(self, walked: tuple[Walked, ...]) -> str:
        """Names what was seen of the roots, under which settings."""
        config = self.config
        return seen_digest(walked, config.crawl, self.work, config.specs())


def served_on(whole: Snapshot, walked: tuple[Walked, ...], seen: str, work: Workplace) -> bool:
    """Whether the published snapshot is in its place, and was made of what is seen now."""
    return in_place(whole, walked, work) and unchanged_since(whole, walked, seen)


def prepare(this: Round) -> None:
    """Before anything is looked at: refuse what cannot be, and warn of what will go."""
    privacy.prepare(this.work, this.published)
    check_trained(this.config.fusion, this.published)
    _warn_of_readers(this)
    _warn_of_preset(this)


def _warn_of_readers(this: Round) -> None:
    """Say that texts which were read in pictures or speech go, since the run reads none."""
    before = this.published.manifest.specs.get("segmentation", {}) if this.published else {}
    for name in ("ocr", "asr"):
        if before.get(name) and not getattr(this.config.segmentation, name):
            log.warning(
                "the published snapshot has texts read with segmentation.%s; this run is told"
                " nothing of it, and takes them out: --set it in each run to keep them",
                name,
            )


def _warn_of_preset(this: Round) -> None:
    """Say that other encoders than before are used: what they lack is embedded."""
    now = this.work.preset
    if this.published is not None and this.published.manifest.preset != now:
        before = this.published.manifest.preset
        log.warning("the published snapshot was made with %s; this run takes %s", before, now)
