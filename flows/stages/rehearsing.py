"""A dry run: what a round would do, and nothing written."""

from __future__ import annotations

from typing import Final

from flows.config.index import IndexResult
from flows.stages.finding import foreseen, look, walk
from flows.stages.outcome import foretold, planned
from flows.stages.rounds import Round
from tasks import privacy
from tasks.fusing import check_trained
from tasks.plan import estimate

LONG_SECONDS: Final = 600.0
"""A rehearsal reads no source that takes longer: it says what its sample tells."""


def rehearse(this: Round) -> IndexResult:
    """Say what the round would do; write nothing."""
    config, work, published = this.config, this.work, this.published
    privacy.check(work, published)
    check_trained(config.fusion, published)
    walked = walk(this)
    ahead = foreseen(walked, this)
    if ahead is not None and ahead.reading > LONG_SECONDS:
        return foretold(ahead, config, published)
    found, plan = look(walked, this)
    return planned(found, plan, estimate(plan, this.rates), config, published)
