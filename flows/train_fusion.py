"""train projection → project → train fusion → fuse → index → evaluate → compare → publish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect import flow

from flows.config.train import TrainConfig, TrainResult
from flows.stages.outcome import run_name
from flows.stages.promotion import Ended, Terms, assembled, called, damaged_of, ended, projected
from flows.stages.replacing import over_what_serves
from flows.stages.train_checks import check
from flows.telling.clock import Clock
from flows.telling.watched import watched
from mmcore.counting import number_of
from mmcore.errors import EvaluationError, GateFailedError, UntoldError
from storage.manifest import FusionEntry, Manifest
from storage.snapshot import Snapshot
from tasks.fusing import Choice
from tasks.models import FUSION, PROJECTION, keys_of_lake
from tasks.policies import unwalked
from tasks.promote_verdict import Verdict
from tasks.simple_fusions import name_of
from tasks.training import Taught, TaughtFusion, teach_fusion, teach_projection
from tasks.training_report import ToldFusion, TrainingReport, told_trials, write_report
from tasks.workplace import Workplace


@flow(name="train-fusion")
@watched("train-fusion")
def train_fusion(config: TrainConfig) -> TrainResult:
    """Train on a lake's own pairs, store the models, and let them serve if they are better.

    Nothing is decoded or embedded: what is learned from, and what is made of it, are the vectors
    that the published snapshot holds. Whatever happens, that one serves until another is better; a
    damaged model that serves is replaced, and nothing is compared with it. A lake with too few
    pairs to learn from is no failure: the result says so.
    """
    check(config)
    return over_what_serves(config, train)


def train(config: TrainConfig, work: Workplace, published: Snapshot, clock: Clock) -> TrainResult:
    """Train, and bring the candidate to its end; the caller has the lake's lock."""
    serves = published.manifest.projection
    keys = keys_of_lake(published.manifest, work)
    align = config.align.model_copy(update={"seed": config.seed})
    fusing = config.fusing.model_copy(update={"seed": config.seed})
    with clock.stage("train projection") as note:
        taught = teach_projection(published, keys, align, work)
        note.append(_came_to(taught))
    if taught.lacking:
        return _nothing(taught, published, work, clock)
    run = run_name(clock.started, "train")
    version = taught.version or (serves.version if serves else None)
    manifest = projected(run, version, keys, work, published, clock)
    with clock.stage("train fusion") as note:
        unseen = unwalked(taught.unseen)
        fusion = teach_fusion(manifest, config.fusion, fusing, work, published, unseen)
        choice = fusion.choice
        note.append(name_of(choice.spec.name, choice.version, choice.spec.weights))
    manifest = assembled(manifest, choice, work, published, clock)
    story = _Story(config, taught, fusion, published.manifest)
    same = not taught.version and manifest.fusion == published.manifest.fusion
    if same and not damaged_of(published):
        done = Ended("unchanged", published.manifest, Verdict(why="same"))
    else:
        done = _judged(manifest, work, published, story, clock)
    return story.result(done, work, clock)


def _came_to(taught: Taught) -> str:
    if taught.lacking:
        return "too few pairs"
    return taught.version or ("unchanged" if taught.same else "none is needed")


def _nothing(taught: Taught, published: Snapshot, work: Workplace, clock: Clock) -> TrainResult:
    """Too few pairs: what serves serves on."""
    serves = published.manifest
    return TrainResult(
        status="nothing",
        lake=str(work.lake.root),
        snapshot=serves.number,
        projection=serves.projection.version if serves.projection else None,
        fusion=called(serves.fusion) if serves.fusion else None,
        reason=taught.lacking,
        pairs=dict(taught.pairs),
        needed=taught.needed,
        seconds=clock.seconds,
    )


def _judged(
    manifest: Manifest, work: Workplace, published: Snapshot, story: _Story, clock: Clock
) -> Ended:
    """Bring the candidate to its end, and tell it in the training's report."""
    told = story.config
    terms = Terms(
        told.promote,
        told.force,
        verdict=told.verdict,
        gate=told.gate,
        damaged=damaged_of(published),
    )
    try:
        done = ended(manifest, work, published, terms, clock)
    except (EvaluationError, GateFailedError, UntoldError) as error:
        story.write(Ended("refused", manifest, Verdict(said=str(error))), work, clock)
        raise
    story.write(done, work, clock)
    return done


def _new(choice: Choice, serving: FusionEntry | None) -> str | None:
    """What the chosen fusion is called; None where it is the one that serves."""
    name = name_of(choice.spec.name, choice.version, choice.spec.weights)
    served = serving and name_of(serving.name, serving.version, serving.weights)
    return None if name == served else name


class _Story:
    """What a training tells of itself."""

    def __init__(
        self, config: TrainConfig, taught: Taught, fusion: TaughtFusion, parent: Manifest
    ) -> None:
        self.config, self.taught, self.fusion, self.parent = config, taught, fusion, parent
        came = {PROJECTION: taught.version, FUSION: _new(fusion.choice, parent.fusion)}
        again = {PROJECTION: taught.again, FUSION: fusion.again or not fusion.choice.version}
        self.models = tuple(f"{name}/{of}" for name, of in came.items() if of)
        fresh = [of for name, of in came.items() if of and not again[name]]
        self.version = next(iter([*fresh, *filter(None, came.values())]), None)

    @property
    def trials(self) -> Mapping[str, Any]:
        """What was tried for each model."""
        tried = {PROJECTION: self.taught.trials, FUSION: self.fusion.trials}
        return {name: trials for name, trials in tried.items() if trials}

    def write(self, done: Ended, work: Workplace, clock: Clock) -> None:
        """Write the report, by what the training came to; anew, if another one came to that."""
        version = self.version
        if version is None:
            return
        told, entry = done.manifest, done.manifest.fusion
        promoted = done.status == "promoted"
        report = TrainingReport(
            trained_at=clock.started,
            status=done.status,
            reason="" if promoted else done.verdict.reason,
            why="" if promoted else done.verdict.why,
            lost=list(done.verdict.lost),
            models=list(self.models),
            parent=self.parent.number,
            snapshot=told.number if promoted else None,
            projection=told.projection.version if told.projection else None,
            fusion=ToldFusion(name=entry.name, version=entry.version, weights=entry.weights)
            if entry
            else None,
            seed=self.config.seed,
            pairs=dict(self.taught.pairs),
            few=dict(self.taught.few),
            trials={name: told_trials(trials) for name, trials in self.trials.items()},
            before=done.verdict.before,
            after=done.verdict.after,
            directions=list(done.verdict.directions),
            known=dict(done.verdict.known),
            known_before=done.verdict.known_before,
            known_after=done.verdict.known_after,
            unasked=done.verdict.unasked,
            damaged=list(done.verdict.damaged),
            scores=told.evaluation.scores if told.evaluation else {},
            scores_before=done.before.scores if done.before else {},
            seconds=clock.seconds,
        )
        write_report(work.lake, version, report, {**self.taught.curves, **self.fusion.curves})

    def result(self, done: Ended, work: Workplace, clock: Clock) -> TrainResult:
        """What a person reads."""
        version = self.version
        notes = [
            f"{name}: {number_of(count, 'pair')}, too few to learn from"
            for name, count in self.taught.few.items()
        ]
        told = done.told(self.parent.number, work)
        page = work.lake.training(version) / "report.html" if version else None
        return TrainResult.model_validate(
            {
                **told,
                "report": str(page) if page else told["report"],
                "models": self.models,
                "pairs": self.taught.pairs,
                "few": self.taught.few,
                "won": {n: tuple(t.name for t in of if t.won) for n, of in self.trials.items()},
                "notes": (*notes, *filter(None, [self.fusion.reason])),
                "seconds": clock.seconds,
            }
        )
