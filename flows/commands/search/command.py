"""What `mmindex search` does: ask, tell the answers, open a file of one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.commands.search import show as show_hits
from flows.commands.search.viewing import Places, view
from flows.config.index import IndexConfig
from flows.terminal.chinese import speaking
from flows.terminal.language import language_of
from flows.terminal.overrides import valid
from flows.terminal.printing import ERR, OUT, print_json
from mmcore.errors import ConfigError
from mmcore.media.reasons import Language
from mmcore.search.asking.typed import parted
from mmcore.search.asking.unwanted import TEXT_AWAY
from mmcore.search.notes import Note, said
from mmcore.search.showing.fields import rounded
from mmcore.specs import RuntimeSpec
from mmcore.types import Hit
from storage.layout import Layout
from storage.places.place import place_of
from storage.schemas import Modality

if TYPE_CHECKING:
    from mmcore.search import Answer, Searcher
    from mmcore.search.request import SearchRequest


@dataclass(frozen=True, slots=True)
class AskedWith:
    """What is asked with, all at once."""

    texts: tuple[str, ...] = ()
    media: Mapping[Modality, Sequence[Path]] = field(default_factory=dict)
    items: tuple[str, ...] = ()  # by key or id
    without: tuple[str, ...] = ()  # texts
    away: float = TEXT_AWAY  # what those count


@dataclass(frozen=True, slots=True)
class SearchManner:
    """How hits are told."""

    roots: tuple[str, ...] = ()  # of a private lake: name the files of these
    thumbnails: Path | None = None  # the folder that gets them
    weights: Path | None = None  # the folder that holds those of the lake's preset
    opened: int | None = None  # the number of the hit whose file is opened
    language: str | None = None  # zh or en; the locale's if None
    as_json: bool = False


def run_search(
    lake: str, asked: AskedWith, options: Mapping[str, Any], manner: SearchManner
) -> None:
    """`mmindex search`: one search, its hits, and their thumbnails where those are wanted."""
    language = language_of(manner.language, os.environ)
    with speaking(language):
        if not (asked.texts or asked.items or any(asked.media.values())):
            raise ConfigError(Note("nothing"))
        _run(lake, asked, options, manner, language)


def _run(
    lake: str,
    asked: AskedWith,
    options: Mapping[str, Any],
    manner: SearchManner,
    language: Language,
) -> None:
    from flows.commands.search.thumbnails import made_folder, written  # noqa: PLC0415 - a command loads its own
    from mmcore.search import Searcher  # noqa: PLC0415

    searcher = Searcher.open(lake, runtime=_loading(manner.weights))
    folder = None
    if manner.thumbnails is not None:
        folder = made_folder(manner.thumbnails, searcher.snapshot.layout.root)
    request = _request(searcher, asked, options)
    answer = searcher.answer(request)
    hits: Sequence[Hit] = answer.hits
    first = request.offset + 1
    small = None if folder is None else written(hits, searcher.snapshot, folder, first)
    places = Places(searcher.snapshot.manifest.sources)
    if manner.roots:
        hits, places = _named(hits, lake, manner.roots)
    if manner.as_json:
        print_json(_told(answer, hits, small, language))
    else:
        found = [places.of(hit) for hit in hits]
        show_hits.notes(ERR, answer.notes, language)
        several = len(places.roots) > 1
        listing = show_hits.Listing(language, found, small or (), first, True, several)
        show_hits.hits(OUT, hits, listing)
    if manner.opened is not None:
        view(_numbered(hits, manner.opened, first), places)


def _loading(weights: Path | None) -> RuntimeSpec:
    return RuntimeSpec(weights=None if weights is None else str(weights))


def _request(searcher: Searcher, asked: AskedWith, options: Mapping[str, Any]) -> SearchRequest:
    from mmcore.search.asking.named import item_named  # noqa: PLC0415
    from mmcore.search.request import Part, SearchRequest  # noqa: PLC0415

    typed = [parted(text) for text in asked.texts]
    without = [*asked.without, *(one for _, not_wanted in typed for one in not_wanted)]
    parts: list[dict[str, Any]] = [
        *({"text": text} for text, not_wanted in typed if text or not not_wanted),
        *(
            {"media": str(path), "media_modality": kind}
            for kind, paths in asked.media.items()
            for path in paths
        ),
        *({"item": item_named(searcher.snapshot, name)} for name in asked.items),
        *({"text": text, "weight": -asked.away} for text in without),
    ]
    return valid(SearchRequest, {"parts": [valid(Part, part) for part in parts], **options})


def _named(hits: Sequence[Hit], lake: str, roots: tuple[str, ...]) -> tuple[Sequence[Hit], Places]:
    """The hits of a private lake by their files' own names, and where those lie."""
    from flows.commands.search.unveil import folders, named  # noqa: PLC0415

    layout = Layout(place_of(lake))
    sources = valid(IndexConfig, {"media": roots, "lake": lake}).sources()
    return named(hits, layout, sources), Places(folders(layout, sources))


def _told(
    answer: Answer, hits: Sequence[Hit], small: Sequence[str | None] | None, language: Language
) -> dict[str, Any]:
    """An answer for programs."""
    told = [show_hits.hit_json(hit) for hit in hits]
    if small is not None:
        told = [{**hit, "thumbnail": path} for hit, path in zip(told, small, strict=True)]
    return {
        "snapshot": answer.snapshot,
        "hits": told,
        "notes": [said(note, language) for note in answer.notes],
        "seconds": rounded(answer.seconds),
    }


def _numbered(hits: Sequence[Hit], number: int, first: int) -> Hit:
    if not first <= number < first + len(hits):
        if not hits:
            raise ConfigError(Note("no-hit", number=number))
        raise ConfigError(
            Note("no-such-hit", number=number, first=first, last=first + len(hits) - 1)
        )
    return hits[number - first]
