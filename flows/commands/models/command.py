"""What `mmindex models …` and `mmindex train` do. Listing loads no Prefect and no torch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flows.commands import running
from flows.commands.models import show
from flows.config.train import PromoteConfig, TrainConfig
from flows.orchestration.unrecorded import recorded
from flows.stages.outcome import made_at
from flows.stages.train_checks import check, check_media, check_pairs
from flows.terminal.chinese import speaking
from flows.terminal.language import language_of
from flows.terminal.overrides import valid
from flows.terminal.printing import OUT, print_json
from mmcore.errors import NothingToLearnError
from storage import candidates, models
from storage.errors import CorruptLakeError, LakeVersionError
from storage.json_files import read_object
from storage.layout import Layout
from storage.manifest import FusionEntry, Manifest, read_manifest
from storage.places.place import modified, place_of
from storage.published import manifest_of, published
from storage.schemas import is_record
from tasks import simple_fusions
from tasks.kept import with_others
from tasks.simple_fusions import FUSION, name_of
from tasks.training_report import PAGE, TrainingReport, reports

MEASURE = "RR"


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is told."""

    lang: str | None = None
    as_json: bool = False


def run_train(settings: Mapping[str, Any], manner: Manner) -> bool:
    """`mmindex train`: the flow `train-fusion`, watched; whether it may be called a success.

    NothingToLearnError where the lake has too few pairs.
    """
    language = language_of(manner.lang, os.environ)
    with speaking(language):
        config = valid(TrainConfig, settings)
        check(config)
        layout = Layout(config.lake_root())
        serving = manifest_of(layout)
        check_media(layout, serving)  # before anybody waits for a server
        check_pairs(layout, serving)
        with running.watching("flows.train_fusion", language=language):
            from flows.train_fusion import train_fusion  # noqa: PLC0415 - while the server started

            result = recorded(train_fusion, config)
        if result.status == "nothing":  # well for a schedule; who asks for it wants to know
            raise NothingToLearnError(result.reason)
    if manner.as_json:
        print_json(result.model_dump(mode="json"))
    else:
        show.trained(OUT, result, language)
    return result.status != "refused"


def run_promote(settings: Mapping[str, Any], manner: Manner) -> bool:
    """`mmindex models promote` and `rollback`; whether it may be called a success."""
    language = language_of(manner.lang, os.environ)
    with speaking(language):
        config = valid(PromoteConfig, settings)
        layout = Layout(config.lake_root())
        serving = manifest_of(layout)
        if config.model is None:
            with_others(layout, serving)
        else:
            simple_fusions.check(layout, config.model)
        with running.watching("flows.promote_models", language=language):
            from flows.promote_models import promote_models  # noqa: PLC0415 - the same

            result = recorded(promote_models, config)
    if manner.as_json:
        print_json(result.model_dump(mode="json"))
    else:
        show.promoted(OUT, result, language, back=config.model is None)
    return result.status != "refused"


def run_list(lake: str, manner: Manner) -> None:
    """`mmindex models list`: each version, what it came of, and what became of it."""
    language = language_of(manner.lang, os.environ)
    layout = Layout(place_of(lake))
    serving = manifest_of(layout)
    lines = listed(layout, serving)
    fusion = serving.fusion
    told = {
        "snapshot": serving.number,
        "projection": serving.projection.version if serving.projection else None,
        "fusion": fusion.model_dump(include={"name", "version", "weights"}) if fusion else None,
        "models": lines,
    }
    if manner.as_json:
        print_json(told)
    else:
        show.listed(OUT, told, language)


def listed(layout: Layout, serving: Manifest) -> list[dict[str, Any]]:
    """A line for each version of each model, and for each fusion without one that was chosen."""
    kept = _manifests(layout.snapshot(number) for number in published(layout))
    refused = _refused(layout)
    told = {name: report for report in reports(layout) for name in report.models}
    stored = models.every(layout)
    lines = []
    for name in (*stored, *_simple(stored, kept, {*told, *refused})):
        naming = [one for one in kept if _names(layout, one, name)]
        serves, report = _names(layout, serving, name), told.get(name)
        if name in stored:
            origin = _origin(layout, name, naming)
        else:
            naming.reverse()  # it has served beside other models since
            origin = _built_in(naming, report)
        lines.append(
            {
                "model": name,
                **origin,
                **_became(naming, report, refused.get(name), serves=serves),
                **_scores(naming, report),
                "report": str(layout.training(report.folder) / PAGE) if report else None,
            }
        )
    return lines


def _simple(stored: list[str], kept: list[Manifest], told: set[str]) -> list[str]:
    """Fusions without a model, of kept snapshots, trainings and refused candidates, sorted."""
    served = {_fusion(one.fusion) for one in kept if one.fusion and one.fusion.version is None}
    known = {name for name in told if name.startswith(f"{FUSION}/") and name not in stored}
    return sorted(
        name for name in served | known if not models.is_version(name.removeprefix(f"{FUSION}/"))
    )


def _fusion(entry: FusionEntry) -> str:
    return f"{FUSION}/{name_of(entry.name, entry.version, entry.weights)}"


def _names(layout: Layout, manifest: Manifest, name: str) -> bool:
    """Whether a snapshot names the files of a version, or was fused so."""
    if manifest.fusion is not None and _fusion(manifest.fusion) == name:
        return True
    return bool(manifest.paths(layout.relative(layout.models("x").parent / name)))


def _built_in(naming: list[Manifest], report: TrainingReport | None) -> dict[str, Any]:
    """What is said of a fusion that nothing is stored of."""
    times = [made_at(one) for one in naming] + ([report.trained_at] if report else [])
    return {
        "when": min(times).isoformat(timespec="seconds") if times else None,
        "trained": report is not None,
        "built_in": True,
        "kind": "",
        "contents": 0,
        "captions": 0,
        "pairs": {},
        "licences": {},
        "seed": None,
    }


def _manifests(folders: Iterable[Any]) -> list[Manifest]:
    """Those that can be read; of the others their own commands tell."""
    found = []
    for folder in folders:
        try:
            found.append(read_manifest(folder / "manifest.json"))
        except (CorruptLakeError, LakeVersionError):
            continue
    return found


def _refused(layout: Layout) -> dict[str, str]:
    """Model → why a candidate with it was not allowed to serve, of those that are kept."""
    found: dict[str, str] = {}
    for one in candidates.blocked(layout):
        for manifest in _manifests([layout.candidate(one.run)]):
            if manifest.projection:
                found[f"projection/{manifest.projection.version}"] = one.reason
            if manifest.fusion:
                found[_fusion(manifest.fusion)] = one.reason
    return found


def _origin(layout: Layout, name: str, naming: list[Manifest]) -> dict[str, Any]:
    """When and of what a version was made; the newest of several records counts."""
    kind, _, version = name.partition("/")
    paths = models.own_files(layout, kind, version, reversed(naming))
    record = next((path for path in paths if is_record(path.name)), None)
    told = _card(record) if record else {}
    training = next((_card(path) for path in paths if path.name == "training.json"), {})
    seen = told.get("fitted_on", {})
    captions = seen.get("captions") or seen.get("caption_keys") or ()
    written = [datetime.fromtimestamp(modified(record or paths[0]), UTC)] if paths else []
    times = [*written, *map(made_at, naming[:1])]  # files that were copied are younger
    made = min(times).isoformat(timespec="seconds") if times else None
    return {
        "when": training.get("trained_at") or made,
        "trained": bool(training),
        "built_in": False,
        "kind": told.get("fusion", ""),
        "contents": len(seen.get("contents", ())),
        "captions": len(captions),
        "pairs": training.get("pairs", {}),
        "licences": training.get("licences", {}),
        "seed": training.get("seed"),
    }


def _card(path: Any) -> dict[str, Any]:
    try:
        return read_object(path) or {}
    except CorruptLakeError as error:  # `mmindex snapshots verify` tells of it
        return {"error": error.why}


def _became(
    naming: list[Manifest], report: TrainingReport | None, blocked: str | None, *, serves: bool
) -> dict[str, Any]:
    """Whether it serves, served, was refused, and why."""
    numbers = [one.number for one in naming]
    reason = report.reason if report and report.reason else blocked or ""
    if serves:
        return {"state": "serves", "reason": "", "snapshots": numbers}
    if naming:
        return {"state": "served", "reason": "", "snapshots": numbers}
    state = "refused" if blocked or (report and report.status == "refused") else "stored"
    return {"state": state, "reason": reason, "snapshots": []}


def _scores(naming: list[Manifest], report: TrainingReport | None) -> dict[str, Any]:
    """Its mean reciprocal rank on held-out captions, and what served before its training."""
    if report is not None:
        scores, before = report.scores, report.before
        after = _mean(scores) if report.after is None else report.after
        told = {"why": report.why, "lost": report.lost, "before": before, "after": report.after}
        told |= {"known_before": report.known_before, "known_after": report.known_after}
        return {**told, "score": after, "scores": scores}
    served = [one.evaluation.scores for one in naming if one.evaluation]
    scores = served[0] if served else {}
    none: dict[str, Any] = {"why": "", "lost": [], "before": None, "after": None}
    none |= {"known_before": None, "known_after": None}
    return {**none, "score": _mean(scores), "scores": scores}


def _mean(scores: Mapping[str, Mapping[str, float]]) -> float | None:
    found = [means[MEASURE] for means in scores.values() if MEASURE in means]
    return sum(found) / len(found) if found else None
