"""What pydantic finds wrong with a request → one line of it in either language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from mmcore.search.http.problems import Fault, ProblemError
from mmcore.search.notes import said

_MOST: Final = 20  # faults that are told
_LONGEST: Final = 300  # characters of one

_NO_NUMBER: Final = ("is no number", "不是数字")
_NO_WHOLE: Final = ("is no whole number", "不是整数")
_NO_TEXT: Final = ("is no text", "不是文本")
_NO_LIST: Final = ("is no list", "不是列表")
_NO_OBJECT: Final = ("is no JSON object", "不是 JSON 对象")
_CHOICE: Final = ("must be {expected}", "应为 {expected}")
_YES_NO: Final = ("must be true or false", "应为 true 或 false")

_SAID: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than_equal": ("must be {ge} or more", "不能小于 {ge}"),
    "less_than_equal": ("must be {le} or less", "不能大于 {le}"),
    "greater_than": ("must be more than {gt}", "必须大于 {gt}"),
    "less_than": ("must be less than {lt}", "必须小于 {lt}"),
    "string_too_short": (
        "is too short: {min_length} characters at least",
        "太短：至少 {min_length} 个字符",
    ),
    "string_too_long": (
        "is too long: {max_length} characters at most",
        "太长：最多 {max_length} 个字符",
    ),
    "too_short": ("has too few: {min_length} at least", "太少：至少 {min_length} 个"),
    "too_long": ("has too many: {max_length} at most", "太多：最多 {max_length} 个"),
    "enum": _CHOICE,
    "literal_error": _CHOICE,
    "int_parsing": _NO_WHOLE,
    "int_parsing_size": ("is too large a number", "数字过大"),
    "int_type": _NO_WHOLE,
    "int_from_float": _NO_WHOLE,
    "float_parsing": _NO_NUMBER,
    "float_type": _NO_NUMBER,
    "finite_number": ("is no finite number", "不是有限的数字"),
    "bool_parsing": _YES_NO,
    "bool_type": _YES_NO,
    "string_type": _NO_TEXT,
    "string_unicode": _NO_TEXT,
    "list_type": _NO_LIST,
    "tuple_type": _NO_LIST,
    "dict_type": _NO_OBJECT,
    "model_type": _NO_OBJECT,
    "model_attributes_type": _NO_OBJECT,
    "extra_forbidden": ("is not known here: /docs lists what is", "没有这个参数：见 /docs"),
    "missing": ("is missing", "缺少该项"),
    "json_invalid": ("is no JSON that can be read: {error}", "不是可读取的 JSON：{error}"),
}
"""pydantic's types of errors, with what they know filled in."""


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
    where = ".".join(map(str, error["loc"])) or "request"
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ValidationError):
        return Fault(where, *_words(cause.errors()[0]))
    return Fault(where, *_words(error))


def _words(error: Mapping[str, Any]) -> tuple[str, str]:
    """The line in English and in Chinese; what is not known above stays as pydantic says it."""
    told, facts = _SAID.get(error["type"]), error.get("ctx", {})
    if told is not None:
        numbers = {n: f"{v:g}" if isinstance(v, float) else v for n, v in facts.items()}
        en, zh = (one.format_map(numbers) for one in told)
        return _line(en), _line(zh.replace("', '", "'、'").replace("' or '", "' 或 '"))
    cause = facts.get("error")
    if isinstance(cause, Exception):  # one of ours
        return _line(said(cause, "en")), _line(said(cause, "zh"))
    return _line(error["msg"]), _line(error["msg"])


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
