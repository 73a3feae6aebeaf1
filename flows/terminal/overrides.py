"""Settings without an option of their own: ``--set SECTION.NAME=VALUE``."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from mmcore.errors import ConfigError
from mmcore.search.faults import fault
from mmcore.search.notes import Note

M = TypeVar("M", bound=BaseModel)

_SHOWN: Final = 80  # characters of what was given
EMPTY: Final[Mapping[str, str]] = MappingProxyType({})


def overridden(
    settings: Mapping[str, Any], said: Iterable[str], options: Mapping[str, str] = EMPTY
) -> dict[str, Any]:
    """``settings`` with each ``SECTION.NAME=VALUE`` put in; a value is JSON, else a text.

    ``options``: settings that an option decides, and which; they are refused.
    Raises ConfigError for what is no such assignment; what the names mean is not looked at.
    """
    result = dict(settings)
    for one in said:
        path, equals, value = one.partition("=")
        section, dot, name = path.strip().partition(".")
        if not (equals and dot and section and name) or "." in name:
            raise ConfigError(f"--set {one!r}: write {_right(section, name, value)}")
        if path.strip() in options:
            raise ConfigError(f"--set {one!r} has no effect: use {options[path.strip()]}")
        result[section] = {**_section(result.get(section, {}), section), name: _value(value)}
    return result


def assigned(said: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Each ``NAME=VALUE``, values as in ``overridden``; ConfigError for what is no such."""
    for one in said:
        name, equals, value = one.partition("=")
        if not (equals and name):
            raise ConfigError(f"--set {one!r}: write NAME=VALUE")
        yield name, _value(value)


def nested(said: Iterable[str]) -> dict[str, Any]:
    """``NAME=VALUE`` and ``SECTION.NAME=VALUE``, sections in sections too, as nested settings."""
    found: dict[str, Any] = {}
    for path, value in assigned(said):
        *sections, name = path.split(".")
        here = found
        for section in sections:
            here = here.setdefault(section, {})
            if not isinstance(here, dict):
                raise ConfigError(f"--set {path}: {section} has a value of its own already")
        here[name] = value
    return found


def valid(kind: type[M], settings: Mapping[str, Any]) -> M:
    """Settings as a ``kind``; ConfigError names the first one that cannot be."""
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(told_setting(kind, error.errors()[0])) from None


def _right(section: str, name: str, value: str) -> str:
    """How it is written: what lies deeper than a setting of a section is JSON."""
    *outer, last = name.split(".")
    if not (section and outer and value and all((*outer, last))):
        return "SECTION.NAME=VALUE, such as limits.max_pixels=200000000"
    inner: Any = {last: _value(value)}
    for part in reversed(outer[1:]):
        inner = {part: inner}
    told = json.dumps(inner, ensure_ascii=False)
    return f"SECTION.NAME=VALUE, what lies deeper as JSON: --set '{section}.{outer[0]}={told}'"


def _section(found: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise ConfigError(f"--set: {name!r} is no section of settings, it has an option --{name}")
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def told_setting(kind: type[BaseModel], error: Mapping[str, Any]) -> str:
    """What is wrong with a setting of ``kind``, by pydantic's account, and what would be right.

    What was given is told, unless the settings hide it (a token).
    """
    path = [str(part) for part in error["loc"]]
    where, what = ".".join(path), fault(error)
    if not path:  # settings that do not go together
        return what
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where, [*_names(kind)], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"no setting {where}{hint} (docs/settings.md lists them)"
    if error["type"] == "model_type":
        example = _example(kind, path)
        return f"{where} is a section of settings: write what it holds as JSON, {example}"
    listed = error["type"] in {"tuple_type", "list_type"}
    how = """; a list is JSON, as '["one", "two"]'""" if listed else ""
    if kind.model_config.get("hide_input_in_errors"):
        return Note("setting", where=where, what=what)
    note = Note("setting-got", where=where, what=what, got=_short(repr(error["input"])))
    return f"{note}{how}" if how else note


def _short(told: str) -> str:
    return told if len(told) <= _SHOWN else f"{told[:_SHOWN]}…"


def _example(kind: type[BaseModel], path: list[str]) -> str:
    """``--set 'align.cca={"dims": [128]}'``: a section with its first setting, as it is."""
    inner: Any = kind
    for part in path:
        inner = inner.model_fields[part].annotation
    name, field = next(iter(inner.model_fields.items()))
    value = json.dumps({name: to_jsonable_python(field.default)}, ensure_ascii=False)
    return f"--set '{'.'.join(path)}={value}'"


def _names(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """All settings, those of sections with their section."""
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _names(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"
