"""Bytes of an open file as an answer, whole or one range of them (RFC 9110, 14)."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mmcore.counting import number_of
from mmcore.media.sniffing.kinds import PLAIN, SVG
from mmcore.search.http.etags import is_known
from mmcore.search.http.media.roots import MediaStream
from mmcore.search.http.problems import ProblemError
from storage.schemas import Modality

_BLOCK: Final = 1 << 18
_RANGE: Final = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
_UNKNOWN: Final = "application/octet-stream"
_CACHED: Final = "private, max-age=600"


def answered(stream: MediaStream, asked: Mapping[str, str], *, head: bool) -> Response:
    """The answer to a request with the headers ``asked``; it closes the stream, whatever comes.

    The type is what the first bytes say; only what cannot act in a browser is shown there.
    """
    headers = _headers(stream)
    try:
        if is_known(asked.get("if-none-match"), headers["etag"]):
            stream.file.close()
            return Response(None, 304, headers)
        low, high = _wanted(asked, stream.size, headers["etag"])
    except BaseException:
        stream.file.close()
        raise
    headers["content-length"] = str(high - low)
    partial = (low, high) != (0, stream.size)
    if partial:
        headers["content-range"] = f"bytes {low}-{high - 1}/{stream.size}"
    status = 206 if partial else 200
    if head:
        stream.file.close()
        return Response(None, status, headers)
    return _Streaming(stream, (low, high), status, headers)


def _headers(stream: MediaStream) -> dict[str, str]:
    disposition = "inline" if is_harmless(stream) else "attachment"
    return {
        "etag": f'"{stream.content_id}"',
        "accept-ranges": "bytes",
        "content-type": _type(stream),
        "content-disposition": f"{disposition}; filename*=UTF-8''{_quoted(stream.name)}",
        "cache-control": _CACHED,
    }


def _quoted(name: str) -> str:
    return quote(name.encode("utf-8", "replace"), safe="")


def is_harmless(stream: MediaStream) -> bool:
    """Whether a browser may show it: pictures but SVG, sounds, videos, plain text."""
    if stream.kind is None:
        return False
    modality, media_type = stream.kind
    return media_type == PLAIN if modality == Modality.TEXT else media_type != SVG


def _type(stream: MediaStream) -> str:
    if stream.kind is None:
        return _UNKNOWN
    media_type = stream.kind[1]
    if media_type == PLAIN and _is_utf8(stream.head()):
        return f"{PLAIN}; charset=utf-8"
    return media_type


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _wanted(asked: Mapping[str, str], size: int, etag: str) -> tuple[int, int]:
    """The half-open range of bytes to send; a problem 416 where there are none there.

    Several ranges, or what is no range of bytes, is answered with all.
    """
    found = _RANGE.fullmatch(asked.get("range", "").lower().replace(" ", ""))
    if found is None or found[0] == "bytes=-" or asked.get("if-range", etag) != etag:
        return 0, size
    first, last = found[1], found[2]
    if not first:
        low, high = max(0, size - int(last)), size
    else:
        low, high = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            return 0, size
    if low >= size or low >= high:
        raise ProblemError(
            "range",
            f"the file has {number_of(size, 'byte')}",
            f"文件有 {size:,} 字节",
            {"content-range": f"bytes */{size}"},
        )
    return low, high


class _Streaming(StreamingResponse):
    """Bytes of a file, which is closed however it ends: the client may go before the first."""

    def __init__(
        self,
        stream: MediaStream,
        bounds: tuple[int, int],
        status: int,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(_blocks(stream, *bounds), status, headers)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.file.close()


def _blocks(stream: MediaStream, low: int, high: int) -> Iterator[bytes]:
    while low < high:
        block = os.pread(stream.file.fileno(), min(_BLOCK, high - low), low)
        if not block:
            return
        yield block
        low += len(block)
