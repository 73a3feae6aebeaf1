"""What pydantic finds wrong with a request → a problem, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from mmcore.search.faults import fault
from mmcore.search.http.problems import Fault, ProblemError
from mmcore.search.notes import Note, said

_MOST: Final = 20  # faults that are told
_LONGEST: Final = 300  # characters of one
_OBJECTS: Final = frozenset({"dict_type", "model_type", "model_attributes_type"})


def invalid(errors: Sequence[Mapping[str, Any]]) -> ProblemError:
    """The problem of what pydantic found wrong; what was sent is not repeated."""
    faults = [_fault(one) for one in errors[:_MOST]]
    if not faults:
        return ProblemError("invalid", "it cannot be read", "无法读取")
    first = faults[0]
    en, zh = f"{first.where}: {first.en}", f"{first.where}：{first.zh}"
    return ProblemError("invalid", en, zh, errors=faults)


def no_json() -> ProblemError:
    """The problem of a body that is not said to be JSON."""
    return ProblemError(
        "invalid",
        "the body is not said to be JSON: send the header Content-Type: application/json",
        "请求内容未标明为 JSON：请发送请求头 Content-Type: application/json",
    )


def _fault(error: Mapping[str, Any]) -> Fault:
    told = _note(error)
    where = ".".join(map(str, error["loc"])) or "request"
    chinese = said(told, "zh").replace("', '", "'、'").replace("' or '", "'、'")
    return Fault(where, _line(said(told, "en")), _line(chinese))


def _note(error: Mapping[str, Any]) -> str:
    facts = error.get("ctx") or {}
    cause = facts.get("error")
    if isinstance(cause, ValidationError):  # of a part, which is checked by itself
        return _note(cause.errors()[0])
    if error["type"] == "json_invalid":
        return Note("fault-json", why=str(cause))
    return Note("fault-object") if error["type"] in _OBJECTS else fault(error)


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
