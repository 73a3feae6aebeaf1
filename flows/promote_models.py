"""promote: stored models → project → fuse → index → evaluate → compare → publish."""

from __future__ import annotations

from prefect import flow

from flows.config.train import PromoteConfig, PromoteResult
from flows.stages.outcome import run_name
from flows.stages.promotion import Ended, Terms, assembled, damaged_of, ended, projected
from flows.stages.replacing import over_what_serves
from flows.telling.clock import Clock
from flows.telling.watched import watched
from storage.snapshot import Snapshot
from tasks.models import keys_of_lake
from tasks.models_chosen import before, named, settled
from tasks.promote_verdict import Verdict
from tasks.workplace import Workplace


@flow(name="promote-models")
@watched("promote-models")
def promote_models(config: PromoteConfig) -> PromoteResult:
    """Let a stored model, or those that served before, serve; nothing is decoded or embedded."""
    return over_what_serves(config, promote)


def promote(
    config: PromoteConfig, work: Workplace, published: Snapshot, clock: Clock
) -> PromoteResult:
    """Bring a candidate with the wanted models to its end; the caller has the lake's lock."""
    back = config.model is None
    wanted = before(published) if config.model is None else named(config.model, published)
    keys = keys_of_lake(published.manifest, work)
    if wanted.serves(published.manifest):
        done = Ended("unchanged", published.manifest, Verdict(why="same"))
    else:
        run = run_name(clock.started, "rollback" if back else "promote")
        manifest = projected(run, wanted.projection, keys, work, published, clock)
        choice = settled(wanted.fusion, manifest)
        manifest = assembled(manifest, choice, work, published, clock)
        damaged = damaged_of(published)
        terms = Terms(
            force=config.force,
            free=back,
            verdict=config.verdict,
            gate=config.gate,
            damaged=damaged,
        )
        done = ended(manifest, work, published, terms, clock)
    told = done.told(published.manifest.number, work)
    return PromoteResult.model_validate({**told, "seconds": clock.seconds})
