"""The process of one device: embeds shards, one after the other; its models stay loaded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from mmcore.embedding.here import embed_here
from mmcore.embedding.job import Job, told_embedding
from mmcore.encoders.presets import encoder_for
from mmcore.processes.serving import Answer, serve
from mmcore.processes.telling import told_failure

_TELL: Final = 0.5  # seconds between two signs of progress


def main() -> None:
    """Work until there is no more input."""
    serve(work)


def work(told: Mapping[str, Any], answer: Answer) -> None:
    """Embed one shard, and say what became of it."""
    try:
        job = Job.from_json(told)
        prepared = job.prepared
        encoder = encoder_for(prepared.shard.encoder, job.segmentation, job.runtime)
        tell = _now_and_then(lambda rows: answer({"rows": rows}))
        found = told_embedding(embed_here(prepared, encoder, job.runtime, tell), prepared.folder)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told to who asked
        answer({"failed": told_failure(error)})
    else:
        answer({"finished": found})


def _now_and_then(tell: Callable[[int], None]) -> Callable[[int], None]:
    last = time.monotonic()

    def told(rows: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _TELL:
            last = time.monotonic()
            tell(rows)

    return told
