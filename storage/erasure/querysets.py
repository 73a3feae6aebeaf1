"""Users' query sets without what is erased: the one time that a set is written anew."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.erasure.orders import OfSet, Order
from storage.erasure.scan import Scanner
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.leases import still_held
from storage.places.place import folders, is_local
from storage.querysets import QuerySet, drop_set, fingerprint, read_unchecked, rewrite_set

log = logging.getLogger(__name__)


def clean_sets(layout: Layout, order: Order, words: Iterable[bytes]) -> tuple[OfSet, ...]:
    """Take erased items, files and ``words`` out of every set; what went, of each that changed.

    A query goes with its file, with a text that has one of the words, and with its last right
    answer. A set of which nothing is left goes, and so does one that nobody can read, or that has
    no card: it may hold anything. May be killed and done again.
    """
    scanner, gone = Scanner(words), list[OfSet]()
    for folder in folders(layout.query_sets, links=True):
        still_held(layout)
        try:
            before = read_unchecked(layout, folder.name)
        except CorruptLakeError as error:
            log.warning("query set %s is removed: %s %s", folder.name, error.path, error.why)
            before = None
        except OSError as error:
            if not is_local(folder):
                raise
            log.warning("query set %s is removed: %s", folder.name, error)
            before = None
        after = None if before is None else _without(before, order, scanner)
        if after is None or not after.queries.num_rows:
            drop_set(layout, folder.name)
        elif after.card != (before and before.card):
            rewrite_set(layout, after)
        else:
            continue
        gone.append(_gone(folder.name, before, after))
    return tuple(gone)


def _gone(name: str, before: QuerySet | None, after: QuerySet | None) -> OfSet:
    """By the cards: the rows of a set whose cleaning was killed are the new ones already."""
    asked, judged = (before.card.queries, before.card.judged) if before else (0, 0)
    left = after.card if after else None
    if left is None or not left.queries:
        return OfSet(name, asked, judged, whole=True)
    return OfSet(name, asked - left.queries, judged - left.judged)


def _without(before: QuerySet, order: Order, scanner: Scanner) -> QuerySet:
    queries, qrels = before.queries, before.qrels
    texts, media = queries["text"].to_pylist(), queries["media"].to_pylist()
    told = [
        content in order.contents
        or bool(text and scanner.found_in(text.encode("utf-8", "surrogateescape")))
        for text, content in zip(texts, media, strict=True)
    ]
    queries = queries.filter(pa.array([not one for one in told], pa.bool_()))
    items = np.fromiter(order.items, np.int64, len(order.items))
    if before.card.kind == "qrels":
        qrels = qrels.filter(pa.array(~np.isin(qrels["item_id"].to_numpy(), items)))
    right = qrels.filter(pc.greater(qrels["grade"], 0))["query_id"].combine_chunks()
    queries = queries.filter(pc.is_in(queries["query_id"], right))
    if before.card.kind == "pairs":  # both sentences of a pair, or none
        queries, qrels = _whole_pairs(queries, qrels)
    qrels = qrels.filter(pc.is_in(qrels["query_id"], queries["query_id"].combine_chunks()))
    card = before.card.model_copy(
        update={
            "fingerprint": fingerprint(queries, qrels),
            "queries": queries.num_rows,
            "judged": qrels.num_rows,
        }
    )
    return QuerySet(card, queries, qrels)


def _whole_pairs(queries: pa.Table, qrels: pa.Table) -> tuple[pa.Table, pa.Table]:
    left = qrels.filter(pc.is_in(qrels["query_id"], queries["query_id"].combine_chunks()))
    numbers, counts = np.unique(left["item_id"].to_numpy(), return_counts=True)
    whole = left.filter(pc.is_in(left["item_id"], pa.array(numbers[counts > 1])))
    return queries.filter(pc.is_in(queries["query_id"], whole["query_id"].combine_chunks())), whole
