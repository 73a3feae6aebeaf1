"""Convert: cells that were stored in another dtype, so that nothing is decoded or embedded."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from prefect import task

from mmcore.errors import DiskSpaceError
from mmcore.media.decoders import decoders
from mmcore.types import Content, EncoderKey
from storage import cells
from storage.conversion import convert_cells
from storage.places.place import is_local
from storage.schemas import DTYPES
from tasks.discretion import discreet
from tasks.policies import POLICY
from tasks.workplace import Workplace


@task(name="convert", **POLICY)
@discreet
def convert_stored(
    contents: Sequence[Content], keys: tuple[EncoderKey, ...], work: Workplace
) -> tuple[Path, ...]:
    """Bring the cells of ``contents`` that are there in another dtype into this run's."""
    todo = list(_convertible(contents, keys, work))
    if is_local(work.lake.root):
        needed = sum(part.stat().st_size for part, _ in todo)  # float32 of float16: twice that
        needed *= 2 if work.storage.dtype == "float32" else 1
        free = shutil.disk_usage(work.lake.root).free
        if needed > free:
            raise DiskSpaceError(str(work.lake.root), needed, free)
    stored = work.storage
    return tuple(
        convert_cells(part, target, stored.dtype, stored.compression) for part, target in todo
    )


def _convertible(
    contents: Sequence[Content], keys: Iterable[EncoderKey], work: Workplace
) -> Iterator[tuple[Path, Path]]:
    """Parts of another dtype with contents that this run's has not, and the folder they go to."""
    for key in keys:
        target = work.cells_of(key)
        for dtype in DTYPES:
            source = work.lake.embeddings(key.modality, key.name, key.fingerprint, dtype)
            if source == target or not source.is_dir():
                continue
            for reader, reads in work.readings(key):
                readable = {c.content_id for c in contents if c.modality in reads}
                done = cells.finished_contents(target, decoders(work.limits), reader)
                lacking = readable - done
                for part in cells.live_parts(source, lacking, (), (reader,)) if lacking else ():
                    yield part, target
