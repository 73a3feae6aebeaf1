"""The table ``words``: each text segment's words, made once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmcore.search.words.tokens import words_of
from mmcore.types import Ids
from storage.schemas import WORDS

_AT_ONCE: Final = 1 << 16  # rows that are sorted together; Arrow's lists end at 2 GB of text


def words_table(texts: Iterable[pa.Table], known: Iterable[pa.Table] = ()) -> pa.Table:
    """``schemas.WORDS`` of text segments, sorted, each once.

    Args:
        texts: blocks with ``segment_id`` and ``text``; a segment may come several times. Of one
            block the texts are held, never of all.
        known: blocks of ``WORDS``: their rows are taken over and not made again. What is in no
            text is left out.
    """
    stored = [block for block in known if block.num_rows]
    have = np.unique(_ids(stored))
    live, made = [np.empty(0, dtype=np.int64)], list[pa.Table]()
    for block in texts:
        ids, first = np.unique(block["segment_id"].to_numpy(), return_index=True)
        live.append(ids)
        fresh = first[~np.isin(ids, have, assume_unique=True)]
        if len(fresh):
            made.append(_made(block.take(pa.array(fresh))))
    wanted = np.unique(np.concatenate(live))
    return pa.concat_tables([WORDS.empty_table(), *_sorted([*stored, *made], wanted)])


def _made(block: pa.Table) -> pa.Table:
    """The words of a block's texts; of one without text none."""
    words = [words_of(text or "") for text in block["text"].to_pylist()]
    return pa.table([block["segment_id"], pa.array(words, WORDS.field(1).type)], schema=WORDS)


def _sorted(blocks: list[pa.Table], wanted: Ids) -> Iterator[pa.Table]:
    """The rows of ``wanted`` ids, ascending, some at once: no more of the blocks is copied."""
    ids, starts = _ids(blocks), np.cumsum([0, *(block.num_rows for block in blocks)])
    order = np.argsort(ids, kind="stable")
    first = order[np.searchsorted(ids, wanted, sorter=order)]
    for start in range(0, len(first), _AT_ONCE):
        yield _taken(blocks, starts, first[start : start + _AT_ONCE]).cast(WORDS)


def _taken(blocks: list[pa.Table], starts: NDArray[np.int64], rows: NDArray[np.int64]) -> pa.Table:
    """Rows by their places over all blocks, in their order."""
    of = np.searchsorted(starts, rows, side="right") - 1
    by_block = np.argsort(of, kind="stable")
    parts = [
        blocks[at].take(pa.array(rows[of == at] - starts[at])).cast(WORDS)
        for at in np.unique(of).tolist()
    ]
    back = np.empty(len(rows), dtype=np.int64)
    back[by_block] = np.arange(len(rows))
    return pa.concat_tables(parts).combine_chunks().take(pa.array(back))


def _ids(blocks: Iterable[pa.Table]) -> Ids:
    return np.concatenate(
        [np.empty(0, dtype=np.int64), *(block["segment_id"].to_numpy() for block in blocks)]
    )
