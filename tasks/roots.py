"""The roots of a lake, beside those that a run is told."""

from __future__ import annotations

from collections.abc import Iterable

from mmcore.errors import SourceError
from mmcore.types import Source
from storage.manifest import Manifest


def refuse_lost_roots(
    published: Manifest, sources: Iterable[Source], drop: tuple[str, ...]
) -> None:
    """Raise SourceError when a root of the lake is neither named nor dropped."""
    named = {source.alias for source in sources}
    for alias, url in published.sources.items():
        if alias not in named and alias not in drop:
            raise SourceError(
                f"the lake also holds the root {alias!r} ({url}): name it too, as {alias}=FOLDER,"
                f" or take it out of the lake with --drop {alias}"
            )
