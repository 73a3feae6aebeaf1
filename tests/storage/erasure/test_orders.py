import json
from datetime import UTC, datetime

import pytest

from storage.erasure.orders import (
    Did,
    OfSet,
    Order,
    TrainedOn,
    done,
    interrupted,
    pending,
    place,
    write_order,
)
from storage.erasure.tombstones import Tombstones
from storage.errors import CorruptLakeError
from storage.layout import Layout


def test_an_order_is_kept_until_it_is_done(tmp_path):
    """It is read back as it was written, and is gone when it is done."""
    layout = Layout(tmp_path)
    order = Order(
        items=frozenset({7}),
        contents=frozenset({"c"}),
        paths=frozenset({"p"}),
        tombstones=Tombstones(contents=frozenset({"t"})),
        replaced=frozenset({"embeddings/x/part-1.parquet"}),
        begun=datetime(2026, 11, 26, tzinfo=UTC),
        sealed="abc",
        did=Did(("run",), (TrainedOn("projection/p1", 2, 1),), 3, 4, (OfSet("shop", 1, 2),)),
    )
    assert pending(layout) is None

    write_order(layout, order)
    assert pending(layout) == order
    assert interrupted(layout)

    done(layout)
    assert pending(layout) is None
    assert not interrupted(layout)


def test_an_order_of_an_older_mmindex_is_read(tmp_path):
    """It says neither when it was given nor what was done of it."""
    layout, order = Layout(tmp_path), Order(items=frozenset({7}))
    write_order(layout, order)
    told = json.loads(place(layout).read_bytes())
    for name in ("begun", "sealed", "did"):
        del told[name]
    place(layout).write_text(json.dumps(told))

    assert pending(layout) == order


def test_an_order_takes_up_one_that_waits():
    """Nothing of either is lost; of a model the first count stands, a second is of the rest."""
    first, again = TrainedOn("projection/p1", 2, 1), TrainedOn("projection/p1", 1, 0)
    waits = Order(frozenset({1}), sealed="s", did=Did(("a",), (first,), 1, 10))
    both = waits | Order(frozenset({2}), frozenset({"c"}), did=Did(("b",), (again,), 2, 20))

    assert (both.items, both.contents, both.sealed) == ({1, 2}, {"c"}, "s")
    assert both.did == Did(("a", "b"), (first,), 3, 30)


@pytest.mark.parametrize("text", ["{", "{}", '{"items": 3}'])
def test_a_damaged_order_is_an_error(tmp_path, text):
    """An erasure that was begun is never dropped in silence."""
    layout = Layout(tmp_path)
    layout.tombstones.mkdir()
    (layout.tombstones / "pending.json").write_text(text)

    with pytest.raises(CorruptLakeError, match=r"pending\.json"):
        pending(layout)
    assert interrupted(layout)
