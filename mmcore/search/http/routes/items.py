"""Items with all that they have, and the waveforms of their sounds."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import NonNegativeInt
from starlette.concurrency import run_in_threadpool

from mmcore.search.http.asking import IdText
from mmcore.search.http.media.waves import Wave
from mmcore.search.http.problems import missing
from mmcore.search.http.replies import problems, told
from mmcore.search.http.served import Served
from mmcore.search.http.serving import Here
from mmcore.search.http.shaped import item_of
from mmcore.search.http.shapes.items import ItemShape, WaveformShape
from mmcore.search.http.waits import Waiting

router = APIRouter(prefix="/api", tags=["items"])

Limit = Annotated[int, Query(ge=1, le=1000, description="segments")]
Offset = Annotated[NonNegativeInt, Query(le=10_000_000, description="segments to skip")]
Points = Annotated[int, Query(ge=1, le=2000, description="peaks")]


@router.get("/items/{item_id}", response_model=ItemShape, responses=problems("not-found"))
def item(here: Here, item_id: IdText, offset: Offset = 0, limit: Limit = 200) -> Response:
    """An item: its files, the user's columns, and its segments."""
    return told(here.on_served(partial(_item, item_id, offset, limit)))


def _item(item_id: int, offset: int, limit: int, served: Served) -> ItemShape:
    row = served.shelf.item(item_id)
    if row is None:
        raise missing(f"the snapshot has no item {item_id}", f"快照中没有条目 {item_id}")
    return item_of(served, row, offset, limit)


@router.get(
    "/waveform/{segment_id}",
    response_model=WaveformShape,
    responses=problems("not-found", "changed", "media-refused"),
)
async def waveform(
    here: Here, request: Request, segment_id: IdText, points: Points = 200
) -> Response:
    """How loud a segment of a sound, or of a video's sound, is."""
    waiting = Waiting.of(request, here.settings.patience)

    async def drawn(served: Served) -> WaveformShape:
        wave = Wave(served, segment_id, points)
        shape = await run_in_threadpool(wave.known)
        return await waiting.result(here.waves.ask(wave)) if shape is None else shape

    return told(await here.awaited(drawn))
