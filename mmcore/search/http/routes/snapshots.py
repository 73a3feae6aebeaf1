"""What the lake holds, its snapshots, and how well they retrieve."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response

from mmcore.media.reasons import Language
from mmcore.search.http.guard.headers import REPORT_POLICY
from mmcore.search.http.problems import language_of, missing
from mmcore.search.http.replies import binary, problems, told
from mmcore.search.http.served import Served
from mmcore.search.http.serving import Here
from mmcore.search.http.shapes.lake import (
    ColumnShape,
    EvaluationShape,
    LakeShape,
    NightShape,
    SnapshotShape,
    SnapshotsShape,
)
from mmcore.search.opened.aliases import aliases_of
from storage import history
from storage.errors import CorruptLakeError, LakeVersionError
from storage.layout import Layout
from storage.manifest import Manifest, read_manifest
from storage.published import published
from storage.schemas import MODALITIES, Modality

router = APIRouter(tags=["lake"])

MAIN: Final = "RR"  # the measure that stands for a snapshot
_PAGE: Final = "report.html"
_ENGLISH: Final = b'id="in-en" aria-label="English" checked>'  # of the two languages of a report
_UNPICKED: Final = b'id="in-en" aria-label="English">'
_CHINESE: Final = 'id="in-zh" aria-label="中文">'.encode()
_PICKED: Final = 'id="in-zh" aria-label="中文" checked>'.encode()
_UNREADABLE: Final = "its manifest cannot be read"

Last = Annotated[int, Query(ge=0, le=1000, description="evaluations of the history, the newest")]
PageLanguage = Annotated[
    Language | None, Query(description="what the page begins in; else as Accept-Language says")
]
SnapshotNumber = Annotated[int, Path(ge=1, lt=2**31, description="a snapshot")]


@router.get("/api/lake", response_model=LakeShape, responses=problems())
def lake(here: Here) -> Response:
    """What is served: its media, languages and columns, and how large a file may be."""
    return told(here.on_served(partial(_lake, here.settings.max_upload_mb)))


def _lake(max_upload_mb: float, served: Served) -> LakeShape:
    manifest = served.snapshot.manifest
    counts = _segments(manifest)
    return LakeShape(
        snapshot=served.number,
        created_at=manifest.created_at,
        preset=manifest.preset,
        private=manifest.private,
        items=_rows(manifest, "items/"),
        files=served.shelf.media(),
        quarantine=served.shelf.in_quarantine(),
        segments=counts,
        modalities=[modality for modality, count in counts.items() if count],
        languages=served.shelf.languages(),
        roots=sorted(aliases_of(served.snapshot)),
        columns=[ColumnShape(name=n, type=kind) for n, kind in served.shelf.columns()],
        conditions={name: list(of) for name, of in served.conditions().items()},
        max_upload_mb=max_upload_mb,
        version=version("mmindex"),
    )


@router.get("/api/snapshots", response_model=SnapshotsShape, responses=problems())
def snapshots(here: Here) -> Response:
    """The snapshots that are kept, and which one answers."""
    served = here.served()
    layout = served.snapshot.layout
    numbers = sorted(published(layout), reverse=True)
    listed = [_line(layout, number, serves=number == served.number) for number in numbers]
    return told(SnapshotsShape(serving=served.number, snapshots=listed))


def _line(layout: Layout, number: int, *, serves: bool) -> SnapshotShape:
    try:
        manifest = read_manifest(layout.snapshot(number) / "manifest.json")
    except (CorruptLakeError, LakeVersionError):  # which tell where the lake lies
        return SnapshotShape(snapshot=number, serves=serves, error=_UNREADABLE)
    evaluation = manifest.evaluation
    return SnapshotShape(
        snapshot=number,
        serves=serves,
        created_at=manifest.created_at,
        parent=manifest.parent,
        items=_rows(manifest, "items/"),
        segments=_segments(manifest),
        bytes=sum(file.bytes for file in manifest.files),
        status=evaluation.status if evaluation else None,
        score=_score(evaluation.scores) if evaluation else None,
        verdict=evaluation.verdict if evaluation else None,
    )


def _rows(manifest: Manifest, prefix: str) -> int:
    return sum(file.rows for file in manifest.files if file.path.startswith(prefix))


def _segments(manifest: Manifest) -> dict[Modality, int]:
    """Segments, each once, however many items it serves; rows where no run has counted them."""
    counts = manifest.counts
    return {m: counts.get(f"segments_{m}", _rows(manifest, f"segments/{m}/")) for m in MODALITIES}


def _score(scores: Mapping[str, Mapping[str, float]]) -> float | None:
    """The mean of ``MAIN`` over the directions of the lake's own queries that have it."""
    found = [means[MAIN] for means in history.held_out(scores).values() if MAIN in means]
    return round(sum(found) / len(found), 6) if found else None


@router.get("/api/evaluation", response_model=EvaluationShape, responses=problems())
def evaluation(here: Here, request: Request, last: Last = 30) -> Response:
    """How well the snapshot retrieves, and what the evaluations before came to."""
    served = here.served()
    found = served.snapshot.manifest.evaluation
    entries = history.read(served.snapshot.layout)
    nights = [_night(entry) for entry in reversed(entries[len(entries) - last :] if last else [])]
    if found is None:
        return told(EvaluationShape(snapshot=served.number, history=nights))
    return told(
        EvaluationShape(
            snapshot=served.number,
            status=found.status,
            reason=here.why(found.reason, language_of(request.scope)),
            queries=found.queries,
            scores=found.scores,
            verdict=found.verdict,
            baseline=found.baseline,
            rules=found.rules,
            report=_report(served, found.report or served.number),
            history=nights,
        )
    )


def _night(entry: history.Entry) -> NightShape:
    return NightShape(
        when=entry.when,
        snapshot=entry.snapshot,
        trigger=entry.trigger,
        verdict=entry.verdict,
        score=_score(entry.scores),
        blocked=entry.blocked,
    )


def _report(served: Served, number: int) -> str | None:
    layout = served.snapshot.layout
    return f"/report/{number}" if (layout.report(str(number)) / _PAGE).exists() else None


@router.get(
    "/report/{number}",
    response_class=Response,
    responses={**binary("the report, as a page", "text/html"), **problems("not-found")},
)
def report(
    here: Here, request: Request, number: SnapshotNumber, lang: PageLanguage = None
) -> Response:
    """The report of an evaluation, in the asker's language first; nothing in it can act."""
    layout = here.served().snapshot.layout
    page = layout.report(str(number)) / _PAGE
    try:
        found = page.read_bytes()
    except OSError as error:
        raise missing(f"there is no report {number}", f"没有报告 {number}") from error
    headers = {"content-security-policy": REPORT_POLICY}
    if (lang or language_of(request.scope)) == "zh":
        found = found.replace(_ENGLISH, _UNPICKED, 1).replace(_CHINESE, _PICKED, 1)
    return Response(found, media_type="text/html; charset=utf-8", headers=headers)
