import pytest

from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.orders import Order, done, pending, write_order
from storage.tombstones import Tombstones


def test_an_order_is_kept_until_it_is_done(tmp_path):
    """It is read back as it was written, and is gone when it is done."""
    layout = Layout(tmp_path)
    order = Order(
        items=frozenset({7}),
        contents=frozenset({"c"}),
        paths=frozenset({"p"}),
        tombstones=Tombstones(contents=frozenset({"t"})),
        replaced=frozenset({"embeddings/x/part-1.parquet"}),
    )
    assert pending(layout) is None

    write_order(layout, order)
    assert pending(layout) == order

    done(layout)
    assert pending(layout) is None


@pytest.mark.parametrize("text", ["{", "{}", '{"items": 3}'])
def test_a_damaged_order_is_an_error(tmp_path, text):
    """An erasure that was begun is never dropped in silence."""
    layout = Layout(tmp_path)
    layout.tombstones.mkdir()
    (layout.tombstones / "pending.json").write_text(text)

    with pytest.raises(CorruptLakeError, match=r"pending\.json"):
        pending(layout)
