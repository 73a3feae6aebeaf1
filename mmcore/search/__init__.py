"""The query side: opens one snapshot, turns queries into hits.

``from mmcore.search import Searcher`` loads FAISS when that name is asked for; importing the
package alone loads nothing.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mmcore.search.answers import Answer
    from mmcore.search.following import Following
    from mmcore.search.ranking.weights import Weights
    from mmcore.search.request import Part, SearchRequest
    from mmcore.search.searcher import Searcher

__all__ = ["Answer", "Following", "Part", "SearchRequest", "Searcher", "Weights"]

_HOMES: Final = MappingProxyType(
    {
        "Answer": "answers",
        "Following": "following",
        "Part": "request",
        "SearchRequest": "request",
        "Searcher": "searcher",
        "Weights": "ranking.weights",
    }
)


def __getattr__(name: str) -> Any:
    """A name of the list above, out of the module that has it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
