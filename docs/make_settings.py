"""Writes docs/settings.md from the specs: `python docs/make_settings.py`."""

from __future__ import annotations

import json
from pathlib import Path

from flows.config import IndexConfig
from mmcore.specs import Spec

INTRODUCTION = """# Settings of `mmindex index`

Any of these is set by `--set SECTION.NAME=VALUE`, which may be repeated
(`--set limits.max_pixels=200000000`). A value is JSON, or else a text; lists in quotes for the
shell (`--set 'segmentation.image_enhance=["denoise"]'`). For Prefect and Python they are the
fields of `IndexConfig`. A setting of `segmentation` is part of the encoders' fingerprints: what
it decides is embedded again when it changes (but for `ocr` and `asr`, which have their own).
"""


def page() -> str:
    """The page as it is to be."""
    parts = [INTRODUCTION]
    for name, field in IndexConfig.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Spec):
            parts.append(_section(name, kind))
    return "\n".join(parts)


def _section(name: str, kind: type[Spec]) -> str:
    lines = [f"## {name}", "", "| name | default | meaning |", "|---|---|---|"]
    for field, told in kind.model_fields.items():
        default = told.get_default(call_default_factory=True)
        value = json.dumps(list(default) if isinstance(default, tuple) else default)
        lines.append(f"| `{field}` | `{value}` | {told.description or ''} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    Path(__file__).with_name("settings.md").write_text(page(), "utf-8")
