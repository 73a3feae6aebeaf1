"""The narrow form of a search, which asks one thing of one list, as the general one."""

from __future__ import annotations

from mmcore.errors import ConfigError
from mmcore.search.request import Part, SearchRequest
from mmcore.types import Query
from storage.schemas import Modality


def request_of(query: Query) -> SearchRequest:
    """A query as a search by vectors alone; ConfigError where it is none.

    What a query may ask is checked here: it may want more answers than a search from elsewhere.
    """
    check(query)
    part = Part.model_construct(
        text=query.text,
        media=query.media,
        media_modality=query.media_modality,
        vector=query.vector,
    )
    return SearchRequest.model_construct(
        parts=(part,),
        modalities=() if query.modality is None else (query.modality,),
        language=query.language,
        words=0.0,
        k=query.k,
    )


def check(query: Query) -> None:
    """Raise ConfigError unless the query asks exactly one thing, for at least one answer."""
    given = [name for name in ("text", "media", "vector") if getattr(query, name) is not None]
    if len(given) != 1:
        raise ConfigError(
            f"ask with one of text, media or vector, not {' and '.join(given) or 'none'}"
        )
    if query.k < 1:
        raise ConfigError(f"{query.k} results were asked for: ask for at least one")
    if query.language is not None and query.modality not in (None, Modality.TEXT):
        raise ConfigError(f"a language chooses among texts, not {query.modality}: leave one out")
