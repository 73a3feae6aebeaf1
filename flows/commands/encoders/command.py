"""What `mmindex encoders …` does: list presets, bring weights, make safetensors of pickles."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.commands.encoders import show
from flows.terminal.language import language_of
from flows.terminal.printing import OUT, print_json
from mmcore.encoders.fetching import Terms, fetch
from mmcore.encoders.listing import PresetLine, listing
from mmcore.encoders.presets import parts_of
from mmcore.encoders.weights.convert import convert
from mmcore.encoders.weights.places import weights_root
from mmcore.encoders.weights.wanted import Fetched
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec


def run_list(weights: Path | None, lang: str | None, *, as_json: bool) -> None:
    """`mmindex encoders`: what there is, and what is here."""
    language = language_of(lang, os.environ)
    runtime = RuntimeSpec(weights=str(weights) if weights else None)
    root, found = weights_root(runtime), listing(runtime)
    if as_json:
        print_json({"weights": str(root), "presets": [_line_json(line) for line in found]})
    else:
        show.listed(OUT, found, root, language)


def _line_json(line: PresetLine) -> dict[str, Any]:
    return {**asdict(line), "ready": line.ready, "todo": line.todo or None}


def run_fetch(preset: str, terms: Terms, *, as_json: bool) -> None:
    """`mmindex encoders fetch`: the weights of each preset that is named, in turn."""
    told = []
    for part in parts_of(preset):
        if part.model == "":
            raise ConfigError(f"preset '{part}': name an id behind the colon")
        found = fetch(part.name, part.model, terms)
        if as_json:
            told.append(_fetched_json(part.name, found))
        else:
            where = f" --weights {terms.to}" if terms.to else ""
            show.fetched(OUT, str(part), found, f"mmindex index … --preset {preset}{where}")
    if as_json:
        print_json(told)


def _fetched_json(name: str, found: Fetched | None) -> dict[str, Any]:
    if found is None:
        return {"preset": name, "status": "not needed", "path": None, "card": None}
    status = "fetched" if found.new else "there"
    card = found.card.model_dump() if found.card else None
    return {"preset": name, "status": status, "path": str(found.path), "card": card}


def run_convert(file: Path, to: Path | None, *, force: bool, as_json: bool) -> None:
    """`mmindex encoders convert`: a pickle that somebody trusts, as safetensors."""
    found = convert(file, to, force=force)
    if as_json:
        print_json({**asdict(found), "source": str(found.source), "path": str(found.path)})
    else:
        show.converted(OUT, found)
