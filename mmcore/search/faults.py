"""What pydantic finds wrong with a setting or a request, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from mmcore.search.notes import Note

_LIMITS: Final = MappingProxyType(
    {
        "less_than_equal": ("fault-most", "le"),
        "less_than": ("fault-less", "lt"),
        "greater_than_equal": ("fault-least", "ge"),
        "greater_than": ("fault-more", "gt"),
        "string_too_long": ("fault-long", "max_length"),
        "string_too_short": ("fault-short", "min_length"),
        "too_long": ("fault-many", "max_length"),
        "too_short": ("fault-few", "min_length"),
    }
)
_KINDS: Final = MappingProxyType(
    {
        "int": "fault-whole",
        "float": "fault-number",
        "finite": "fault-number",
        "bool": "fault-bool",
        "string": "fault-text",
        "tuple": "fault-list",
        "list": "fault-list",
        "missing": "fault-missing",
        "extra": "fault-extra",
    }
)


def fault(error: Mapping[str, Any]) -> str:
    """What is wrong by one of pydantic's ``errors()``; what was given is not told.

    A fault of ours (a ``ValueError`` of a validator) is told as it is; so is what is not known.
    """
    kind, facts = str(error["type"]), error.get("ctx") or {}
    if "error" in facts:
        return _of_ours(facts["error"])
    if kind in _LIMITS:
        code, name = _LIMITS[kind]
        return Note(code, limit=_number(facts[name]))
    if kind in {"literal_error", "enum"}:
        return Note("fault-one", known=str(facts["expected"]))
    code = _KINDS.get(kind.partition("_")[0], "")
    return Note(code) if code else str(error["msg"])


def _of_ours(error: BaseException) -> str:
    """What a validator said: its note, where it is one."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, str) else str(error)


def _number(limit: float) -> int | str:
    return int(limit) if limit == int(limit) else f"{limit:g}"
