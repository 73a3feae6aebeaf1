"""Bodies that are files: streamed to the disk, never more than is allowed, typed by content."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from mmcore.media.sniff import HEAD, Kind, sniff
from mmcore.search.folders import Folder
from mmcore.search.http.guard.bodies import check_length, too_large
from mmcore.search.http.problems import ProblemError


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request; it goes with it."""

    path: Path
    kind: Kind


@asynccontextmanager
async def received(
    request: Request, most: int, coming: Callable[[], AbstractContextManager[None]]
) -> AsyncIterator[Upload]:
    """The body as a file; problems 413 for one beyond ``most`` bytes, 415 for what is no medium.

    ``coming`` is held as long as it is on its way. Of a body that says that it is too long nothing
    is read.
    """
    check_length(request.headers.get("content-length"), most)
    with Folder("upload") as folder:
        path = folder.path / "upload"
        with coming():
            await _written(request, path, most)
        yield Upload(path, await run_in_threadpool(_kind, path))


async def _written(request: Request, path: Path, most: int) -> None:
    size = 0
    with path.open("wb") as file:
        try:
            async for block in request.stream():
                size += len(block)
                if size > most:
                    raise too_large(most)
                await run_in_threadpool(file.write, block)
        except ClientDisconnect as error:
            raise ProblemError("invalid", "the body ended early", "请求内容不完整") from error


def _kind(path: Path) -> Kind:
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD))
    if kind is None:
        raise ProblemError(
            "media-unknown",
            "the body is no picture, text, sound or video that can be read",
            "内容不是可读取的图片、文本、声音或视频",
        )
    return kind
