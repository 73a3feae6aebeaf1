"""What goes wrong, as RFC 9457 problems: a code, one line in English or Chinese, no traceback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import JSONResponse
from starlette.types import Scope

from mmcore.media.reasons import Language

TYPE: Final = "application/problem+json"
AGAIN: Final = {"retry-after": "1"}
"""The header of what is worth trying again in a second."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its status, and its title in both languages."""

    status: int
    en: str
    zh: str


KINDS: Final[Mapping[str, Kind]] = {
    "bad-request": Kind(400, "This is no HTTP", "不是有效的 HTTP 请求"),
    "bad-query": Kind(400, "The query cannot be answered", "查询无法执行"),
    "unauthorized": Kind(401, "A token is needed", "需要令牌"),
    "forbidden-host": Kind(403, "This server has another name", "服务器不叫这个名字"),
    "forbidden-origin": Kind(403, "Another site may not ask", "不接受其他网站的请求"),
    "not-found": Kind(404, "Not there", "没有找到"),
    "method": Kind(405, "Not done by this method", "不支持该方法"),
    "too-slow": Kind(408, "The request did not come in time", "请求未能及时送达"),
    "changed": Kind(410, "The file is not the indexed one any more", "文件已不是被索引的那个"),
    "too-large": Kind(413, "Too large", "内容过大"),
    "media-unknown": Kind(415, "No picture, text, sound or video", "不是图片、文本、声音或视频"),
    "range": Kind(416, "No such range", "没有这一范围"),
    "invalid": Kind(422, "The request is not valid", "请求无效"),
    "media-refused": Kind(422, "The file cannot be used", "文件无法使用"),
    "too-many-requests": Kind(429, "Too many requests", "请求过多"),
    "internal": Kind(500, "A fault of the server", "服务器出错"),
    "busy": Kind(503, "The server is busy", "服务器繁忙"),
    "outdated": Kind(503, "The lake has just changed", "数据湖刚刚变更"),
    "no-snapshot": Kind(503, "Nothing is published yet", "尚未发布任何快照"),
    "not-here": Kind(503, "The server lacks something", "服务器缺少所需内容"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request, in both languages."""

    where: str
    en: str
    zh: str


class ProblemError(Exception):
    """A problem to be told; ``en`` and ``zh`` are one line each."""

    def __init__(
        self,
        code: str,
        en: str,
        zh: str,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Fault] = (),
    ) -> None:
        self.code, self.en, self.zh = code, en, zh
        self.headers, self.errors = dict(headers or {}), tuple(errors)
        super().__init__(f"{code}: {en}")


def missing(what_en: str, what_zh: str) -> ProblemError:
    """Something that the snapshot does not have."""
    return ProblemError("not-found", what_en, what_zh)


def busy() -> ProblemError:
    """More is asked than can be answered now."""
    return ProblemError(
        "busy",
        "more is asked than can be answered now: try again in a second",
        "当前请求过多：请稍后重试",
        AGAIN,
    )


def language_of(scope: Scope) -> Language:
    """The language that Accept-Language puts first: Chinese, or English for any other."""
    headers = dict(scope.get("headers") or ())
    said = headers.get(b"accept-language", b"").decode("latin-1").lower()
    ranked = [(-_share(one), one.strip()) for one in said.split(",")]
    names = (name for _, name in sorted(ranked, key=lambda one: one[0]))
    return next((_told(name) for name in names if name.startswith(("zh", "en"))), "en")


def _told(name: str) -> Language:
    return "zh" if name.startswith("zh") else "en"


def _share(one: str) -> float:
    """The q of one language; 0 where it cannot be read."""
    _, marked, share = one.partition("q=")
    try:
        return float(share) if marked else 1.0
    except ValueError:
        return 0.0


def response(problem: ProblemError, language: Language) -> JSONResponse:
    """The problem as JSON, with its status and headers."""
    status = KINDS[problem.code].status
    return JSONResponse(fields_of(problem, language), status, dict(problem.headers), TYPE)


def fields_of(problem: ProblemError, language: Language) -> dict[str, Any]:
    """The fields of a problem, in a language."""
    kind = KINDS[problem.code]
    fields: dict[str, Any] = {
        "type": f"urn:mmindex:problem:{problem.code}",
        "title": kind.zh if language == "zh" else kind.en,
        "status": kind.status,
        "detail": problem.zh if language == "zh" else problem.en,
        "code": problem.code,
    }
    if problem.errors:
        fields["errors"] = [
            {"where": one.where, "what": one.zh if language == "zh" else one.en}
            for one in problem.errors
        ]
    return fields
