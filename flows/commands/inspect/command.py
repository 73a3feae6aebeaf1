"""What `mmindex inspect` does: say what mmindex makes of files, without a lake."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from flows.commands.inspect import show
from flows.config.index import IndexConfig
from flows.terminal.language import language_of
from flows.terminal.overrides import overridden, valid
from flows.terminal.place import place_json
from flows.terminal.printing import OUT, print_json
from mmcore.inspection.look import Found, Inspected, Settings, inspected
from mmcore.media.reasons import Language, advice
from mmcore.media.texts.dictionaries import read_dictionaries
from mmcore.paths import printable
from mmcore.types import Rejection


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is told."""

    words: bool = False  # with the words of texts and their parts of speech
    language: str | None = None  # that of the locale, unless it is said
    as_json: bool = False


def run_inspect(paths: Sequence[str], settings: Sequence[str], manner: Manner) -> bool:
    """`mmindex inspect`: each file as soon as it is done; whether all can be used."""
    language = language_of(manner.language, os.environ)
    config = valid(IndexConfig, overridden({"media": (".",), "lake": "."}, settings))
    dictionaries = config.segmentation.text_dictionaries
    read_dictionaries(dictionaries)
    tag = show.tagger(dictionaries) if manner.words else None
    told: list[Inspected] = []
    used = Settings(config.preset, config.segmentation, config.limits, config.runtime)
    for found in inspected(paths, used):
        told.append(found)
        if not manner.as_json:
            show.inspected(OUT, found, language, tag)
            sys.stdout.flush()
    if manner.as_json:
        files = [as_json(found, language, tag) for found in told]
        print_json({"usable": sum(found.usable for found in told), "files": files})
    elif len(told) > 1:
        show.summary(OUT, told, language)
    return all(found.usable for found in told)


def as_json(found: Inspected, language: Language, tag: show.Tag | None) -> dict[str, Any]:
    """All that was found, texts whole, for programs."""
    file = found.file
    return {
        "path": printable(found.path),
        "usable": found.usable,
        "size": found.size,
        "modality": file and file.modality,
        "media_type": file and file.media_type,
        "content_id": file and file.content_id,
        "pixels": found.pixels,
        "seconds": found.seconds,
        "refused": found.refused and _rejection_json(found.refused, language),
        "readings": [
            {
                "modality": reading.modality,
                "encoder": reading.encoder,
                "reader": reading.reader or None,
                "took": round(reading.seconds, 4),
                "pieces": [_piece_json(piece, tag) for piece in reading.pieces],
                "refused": [_rejection_json(one, language) for one in reading.rejections],
            }
            for reading in found.readings
        ],
    }


def _piece_json(piece: Found, tag: show.Tag | None) -> dict[str, Any]:
    told = asdict(replace(piece, span=None)) | place_json(piece.span)
    if tag is not None and piece.text is not None:
        told["words"] = [{"word": word.word, "flag": word.flag} for word in tag(piece.text)]
    return told


def _rejection_json(one: Rejection, language: Language) -> dict[str, Any]:
    told = advice(one.stage, one.reason, language)
    return {
        "stage": one.stage,
        "reason": one.reason,
        "means": told and told.means,
        "todo": told and told.todo,
        "message": one.message,
        "decoder": one.decoder,
        "source": one.source,
        **place_json(one.span),
    }
