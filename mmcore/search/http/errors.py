"""Our errors → problems: the asker's faults in full, the server's own in brief."""

from __future__ import annotations

import logging
from typing import Final

from mmcore.errors import (
    ConditionError,
    ConfigError,
    MediaError,
    MissingExtraError,
    MissingWeightsError,
    SpaceMismatchError,
    UnknownPluginError,
)
from mmcore.media.limits import STAGE as LIMITS
from mmcore.media.reasons import advice
from mmcore.search.http.batching import BusyError
from mmcore.search.http.problems import AGAIN, ProblemError, busy
from mmcore.search.notes import said
from storage.errors import NoLakeError, SnapshotReissuedError
from storage.schemas import MmindexError

log = logging.getLogger(__name__)

_LESS: Final = (
    "Ask with a smaller or shorter file, or a part of it.",
    "请换用更小、更短的文件，或只用其中一部分。",
)
_TYPED: Final = "`"  # around what is typed where the lake lies: who asks over HTTP cannot do that


def problem_of_any(error: Exception) -> ProblemError:
    """What is told of any error; one that is not ours is logged whole."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, MmindexError):
        return problem_of(error)
    if isinstance(error, BusyError):
        return busy()
    log.error("a request failed", exc_info=error)
    return ProblemError(
        "internal", "the server could not do that; its log says why", "服务器未能完成；详见日志"
    )


def problem_of(error: MmindexError) -> ProblemError:
    """What is told of one of our errors: the asker's faults in full, the server's own in brief."""
    if isinstance(error, MediaError):
        return _of_media(error)
    if isinstance(error, (MissingWeightsError, MissingExtraError)):
        return lacks(error)
    if isinstance(error, (ConfigError, SpaceMismatchError, UnknownPluginError)):
        return _of_query(error)
    if isinstance(error, SnapshotReissuedError):
        return ProblemError(
            "outdated",
            "something was erased from the lake meanwhile: ask again in a second",
            "数据湖中有内容刚被清除：请稍后重试",
            AGAIN,
        )
    return _of_server(error)


def _of_server(error: MmindexError) -> ProblemError:
    """What the server or its lake is to blame for; its log says more."""
    if isinstance(error, NoLakeError):
        return ProblemError(
            "no-snapshot", "nothing is published in this lake yet", "该数据湖尚未发布快照"
        )
    log.error("%s: %s", type(error).__name__, error)
    if isinstance(error, ConditionError):
        return ProblemError(
            "internal",
            "the server could not run that condition: say it in another way",
            "服务器无法执行该条件：请换一种写法",
        )
    return ProblemError(
        "not-here",
        "the lake cannot be read as it should; the server's log says more",
        "数据湖无法正常读取；详见服务器日志",
    )


def _of_query(error: MmindexError) -> ProblemError:
    en, zh = said(error, "en"), said(error, "zh")
    return ProblemError("bad-query", en, zh if zh != en else f"查询无法执行：{en}")


def lacks(error: object) -> ProblemError:
    """What the server would need to encode a query, and does not have."""
    log.error("%s", error)
    return ProblemError(
        "not-here",
        "this server lacks the weights or a package of the lake's encoders; its log says more",
        "服务器缺少该数据湖编码器的权重或软件包；详见服务器日志",
    )


def _of_media(error: MediaError) -> ProblemError:
    """Why a file that is asked with cannot be used, and what helps."""
    en, zh = (advice(error.stage, error.reason, language) for language in ("en", "zh"))
    if en is None or zh is None:
        return ProblemError("media-refused", error.message, f"文件无法使用：{error.message}")
    if error.stage == LIMITS:
        return ProblemError("media-refused", f"{en.means} {_LESS[0]}", f"{zh.means}{_LESS[1]}")
    if _TYPED in en.todo:
        return ProblemError("media-refused", en.means, zh.means)
    return ProblemError("media-refused", f"{en.means} {en.todo}", f"{zh.means}{zh.todo}")
