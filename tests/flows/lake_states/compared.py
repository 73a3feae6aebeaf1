"""What a lake holds and answers, to be compared."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from mmcore.embedding import here
from mmcore.media import crawl
from storage.indexes.exact import exact_search
from storage.schemas import FUSED, MODALITIES
from storage.snapshot import Snapshot

NONE = (0, 0, 0)  # nothing lost, doubled or mixed


class Counted:
    """Counts the contents that are embedded, by fingerprint, and the files that are hashed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.embedded: dict[str, list[str]] = defaultdict(list)
        self.hashed: list[str] = []
        embeds, reads = here.embed_prepared, crawl._read

        def embedding(prepared, *rest):
            of = self.embedded[prepared.shard.encoder.fingerprint]
            of += [content.content_id for content in prepared.shard.contents]
            return embeds(prepared, *rest)

        def reading(*told):
            self.hashed.append(told[-1].path)
            return reads(*told)

        patch.setattr(here, "embed_prepared", embedding)
        patch.setattr(crawl, "_read", reading)

    def clear(self) -> None:
        """Count from nothing."""
        self.embedded.clear()
        self.hashed.clear()


def answers_exactly(snapshot: Snapshot) -> None:
    """Every index gives the scores of exact search, and each id its own row's score."""
    for name in (*MODALITIES, FUSED):
        index = snapshot.index(name)
        if index is None:
            continue
        ids, vectors = snapshot.fused()[:2] if name == FUSED else snapshot.vectors(name)[1:]
        queries = vectors[:3]
        scores, found = index.search(queries, 4)
        np.testing.assert_allclose(scores, exact_search(ids, vectors, queries, 4)[0], atol=1e-5)
        row = {int(one): vector for one, vector in zip(ids, vectors, strict=True)}
        for query, near, hits in zip(queries, scores, found, strict=True):
            for score, hit in zip(near, hits, strict=True):
                assert hit == -1 or score == pytest.approx(float(query @ row[int(hit)]), abs=1e-5)


def listing(lake: Path) -> dict[Path, tuple[int, int]]:
    """Every file of a lake with its size and mtime.

    The lock apart, which a run holds, and the note that somebody looked.
    """
    apart = ("LOCK", "LOOKED")
    found = (p for p in lake.rglob("*") if p.is_file() and not p.name.startswith(apart))
    return {p: (p.stat().st_size, p.stat().st_mtime_ns) for p in found}
