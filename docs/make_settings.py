"""Writes docs/settings.md from the specs: `python docs/make_settings.py`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from flows.commands.models.train_cli import ELSEWHERE
from flows.config.index import IndexConfig
from flows.config.train import TrainConfig
from mmcore.specs import Spec

INTRODUCTION = """# Settings of `mmindex index`

Any of these is set by `--set SECTION.NAME=VALUE`, which may be repeated
(`--set limits.max_pixels=200000000`). A value is JSON, or else a text; lists in quotes for the
shell (`--set 'segmentation.image_enhance=["denoise"]'`). For Prefect and Python they are the
fields of `IndexConfig`. A setting of `segmentation` is part of the encoders' fingerprints: what
it decides is embedded again when it changes (but for `ocr` and `asr`, which have their own).
"""

TRAINING = """# Settings of `mmindex train`

They are set alike (`--set fusing.epochs=20`), and are the fields of `TrainConfig`; `runtime` is as
above. What lies deeper is JSON: `--set 'align.network={"epochs": 20, "members": 1}'`. Not here:
seeds (`--seed`), and which captions are held out and how many pairs there must be. These are the
lake's own (`fit`, above), as its last `mmindex index` had them. `verdict` is of `mmindex models
promote` too, by the field of `PromoteConfig`.
"""


def page() -> str:
    """The page as it is to be."""
    told = list(_sections("", IndexConfig.model_fields))
    known = {kind for _, kind in told}
    trained = [of for of in _sections("", TrainConfig.model_fields) if of[1] not in known]
    parts = [INTRODUCTION, *(_section(name, kind) for name, kind in told), TRAINING]
    for name, kind in trained:
        parts.append(_section(name, kind))
        parts += [_section(*of) for of in _sections(f"{name}.", kind.model_fields, ELSEWHERE)]
    return "\n".join(parts)


def _sections(
    prefix: str, fields: dict[str, FieldInfo], left_out: Collection[str] = ()
) -> Iterator[tuple[str, type[Spec]]]:
    for name, field in fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Spec) and f"{prefix}{name}" not in left_out:
            yield f"{prefix}{name}", kind


def _section(name: str, kind: type[Spec]) -> str:
    lines = [f"## {name}", "", "| name | default | meaning |", "|---|---|---|"]
    for field, told in kind.model_fields.items():
        default = told.get_default(call_default_factory=True)
        if f"{name}.{field}" in ELSEWHERE or isinstance(default, Spec):
            continue
        value = json.dumps(list(default) if isinstance(default, tuple) else default)
        meaning = (told.description or "").replace("][", "]\\[")  # no link of Markdown
        lines.append(f"| `{field}` | `{value}` | {meaning} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    Path(__file__).with_name("settings.md").write_text(page(), "utf-8")
