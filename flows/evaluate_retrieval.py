"""evaluate → tell → roll back: judge what serves, or a candidate, against an older snapshot."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from prefect import flow

from flows.config.evaluate import EvaluateConfig, EvaluateResult
from flows.stages.gating import examine_again, rules_for, tell
from flows.stages.writing import as_writer
from flows.telling.clock import Clock
from flows.telling.watched import watched
from mmcore.embedding.embed import releasing
from mmcore.errors import ConfigError
from storage import candidates, history, looked
from storage.errors import NoLakeError
from storage.keys import check_key
from storage.layout import Layout
from storage.manifest import Manifest
from storage.published import manifest_of
from storage.snapshot import Snapshot
from tasks.alerts import Alert, alerted
from tasks.discretion import discreet
from tasks.evaluate import Back, roll_back_from
from tasks.examining import Exam, Judged
from tasks.gate import baseline_of, told_block
from tasks.models import evaluation_spec, fit_spec, workplace_of
from tasks.preprocess import empty_staging
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


@flow(name="evaluate-retrieval")
@watched("evaluate-retrieval")
def evaluate_retrieval(config: EvaluateConfig) -> EvaluateResult:
    """Judge a published snapshot, or a blocked candidate, as the gate would; publishes nothing.

    Its report is written anew, and the history gets an entry. With ``on_block`` "roll-back" the
    snapshot that it is worse than serves again. Raises GateFailedError where it cannot be scored.
    That the sources were not looked at for too long is told before anybody waits for the lock.
    """
    lake = Layout(config.lake_root())
    manifest = chosen(config, lake)  # before the lock makes a folder
    work = workplace_of(Snapshot.of(lake, manifest), config.runtime)
    check_key(lake)
    stale, not_told = _stale(config, manifest, work)
    found = _locked(config, work)
    told = tuple(dict.fromkeys((*not_told, *found.not_notified)))
    return found.model_copy(update={"stale": stale, "not_notified": told})


def chosen(config: EvaluateConfig, lake: Layout) -> Manifest:
    """The manifest of what is evaluated: NoLakeError, or ConfigError, where there is none."""
    if config.run is None:
        return manifest_of(lake, config.snapshot)
    manifest = candidates.refused(lake, config.run)
    if manifest is None:
        raise ConfigError(f"{lake.root} has no blocked candidate of run {config.run!r}")
    return manifest


def _stale(
    config: EvaluateConfig, manifest: Manifest, work: Workplace
) -> tuple[float | None, list[str]]:
    """Hours since the last look, where they are too many, and who could not be told."""
    hours = hours_since(work.lake, datetime.now(UTC), manifest)
    if config.max_age_hours is None or hours <= config.max_age_hours:
        return None, []
    most = config.max_age_hours
    why = f"the sources were looked at {hours:.1f} h ago, which is more than {most:g}"
    return round(hours, 2), alerted(Alert("stale", manifest.number, why=why), config.notify, work)


def hours_since(lake: Layout, now: datetime, judged: Manifest) -> float:
    """Hours since an index run last ended well; by what serves, where none has said so.

    Where nothing serves yet, since the candidate was made that is ``judged``.

    A time to come, as another machine's clock may give it, is no age: it is said, and counts 0.
    """
    last = looked.read(lake)
    when = last.when if last else _made(lake, judged)
    hours = (now - when).total_seconds() / 3600
    if hours < 0:
        log.warning("%s lies in the future (%s): is a clock wrong?", lake.looked, when)
    return max(0.0, hours)


def _made(lake: Layout, judged: Manifest) -> datetime:
    try:
        return manifest_of(lake).created_at
    except NoLakeError:
        return judged.created_at


@discreet
def _locked(config: EvaluateConfig, work: Workplace) -> EvaluateResult:
    lake = work.lake
    with as_writer(lake, config.wait), releasing():
        empty_staging(work)
        manifest = chosen(config, lake)
        work = workplace_of(Snapshot.of(lake, manifest), config.runtime)
        return evaluate(config, manifest, work, Clock())


def evaluate(
    config: EvaluateConfig, manifest: Manifest, work: Workplace, clock: Clock
) -> EvaluateResult:
    """Evaluate one manifest; the caller has the lake's lock."""
    exam = exam_of(config, manifest, work.lake)
    with clock.stage("evaluate") as note:
        baseline = baseline_of(manifest, config.against, work)
        judged = examine_again(manifest, baseline, exam, work, config.notify)
        note.append(judged.verdict.status)
    not_told = tell(judged, work, config.notify)
    back = Back()
    if config.on_block == "roll-back" and judged.verdict.status == "block":
        with clock.stage("roll back") as note:
            back = roll_back_from(judged, exam, work)
            note.append(f"snapshot {back.number} serves" if back.number else "not rolled back")
        if back.number is not None:
            why = f"snapshot {manifest.number} was found worse: {told_block(judged.verdict)}"
            told = Alert(
                "rolled-back",
                back.number,
                manifest.run,
                manifest.number,
                reason=why,
                report=judged.report,
            )
            not_told += tuple(alerted(told, config.notify, work))
    return result_of(judged, work, clock, back, not_told)


def exam_of(config: EvaluateConfig, manifest: Manifest, lake: Layout) -> Exam:
    """By what it is judged.

    What somebody accepted of it only warns, unless a snapshot is named that it is held against.
    """
    entries = history.read(lake)
    override = history.override_of(entries, manifest) if config.against is None else None
    return Exam(
        evaluation_spec(manifest),
        fit_spec(manifest),
        rules_for(config.gate, manifest, lake),
        "evaluate",
        promotion=history.was_promoted(entries, manifest),
        accepted=tuple(override.accepted) if override else (),
    )


def result_of(
    judged: Judged, work: Workplace, clock: Clock, back: Back, not_told: tuple[str, ...]
) -> EvaluateResult:
    """What a person reads."""
    verdict, told = judged.verdict, judged.manifest
    evaluation = told.evaluation
    return EvaluateResult(
        status=verdict.status,
        lake=str(work.lake.root),
        snapshot=told.number,
        run=told.run,
        baseline=verdict.baseline,
        why=verdict.why,
        measured=evaluation.status if evaluation else None,
        reason=evaluation.reason if evaluation else "",
        findings=tuple(verdict.findings),
        compared=tuple(verdict.compared),
        unproven=tuple(verdict.unproven),
        items=verdict.items,
        items_changed=verdict.items_changed,
        scores=evaluation.scores if evaluation else {},
        too_few=dict(judged.too_few),
        rolled_back_to=back.number,
        not_rolled_back=back.why,
        not_notified=tuple(dict.fromkeys(not_told)),
        report=judged.report,
        seconds=clock.seconds,
    )
