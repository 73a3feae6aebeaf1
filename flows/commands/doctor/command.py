"""`mmindex doctor`: look at everything, say what is wrong and what to do."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from flows.commands.doctor import show
from flows.commands.doctor.asked import Asked
from flows.commands.doctor.run import Told, examined
from flows.terminal.language import language_of
from flows.terminal.options import LAKE
from flows.terminal.printing import OUT, print_json


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be looked at."""

    lake: str | None = None
    preset: str | None = None
    weights: str | None = None


def run_doctor(wanted: Wanted, lang: str | None, *, as_json: bool) -> bool:
    """`mmindex doctor`: each group as soon as it is done; whether nothing has to be mended."""
    language = language_of(lang, os.environ)
    asked = _asked(wanted)
    began = time.monotonic()
    found: list[Told] = []
    for one in examined(asked):
        if not as_json:
            if not found or found[-1].group != one.group:
                show.title(OUT, one.group, language)
            show.line(OUT, one, language)
            sys.stdout.flush()
        found.append(one)
    seconds = time.monotonic() - began
    if as_json:
        print_json(show.as_json(found, seconds, language))
    else:
        show.summary(OUT, found, seconds, language)
    return all(one.found.state != "fail" for one in found)


def _asked(wanted: Wanted) -> Asked:
    """The lake that is named, or the usual one where it is there."""
    lake = wanted.lake
    if lake is None and Path(LAKE, "snapshots").is_dir():
        lake = LAKE
    return Asked(preset=wanted.preset, lake=lake, weights=wanted.weights)
