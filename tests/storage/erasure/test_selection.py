import pyarrow as pa

from storage.erasure.holdings import Holdings
from storage.erasure.selection import select
from storage.erasure.tombstones import of_content, of_member, of_place

KEY = b"k" * 32
ROWS = [  # item, path, content
    (1, "cat.png", "cat picture"),
    (1, "cat.txt", "words"),
    (1, "logo.png", "logo"),
    (2, "twin.txt", "words"),
    (2, "twin.png", "twin picture"),
    (3, "logo.png", "logo"),
]


def holdings() -> Holdings:
    """Three items: 2 has a text of 1 in a file of its own, 3 has nothing but a file of 1."""
    held = [{"item_id": i, "root": "m", "path": p, "content_id": c} for i, p, c in ROWS]
    keys = [{"item_id": i, "root": "m", "key": f"item {i}"} for i in (1, 2, 3)]
    refused = [{"root": "m", "path": "x.bin", "content_id": None}]
    return Holdings(*map(pa.Table.from_pylist, (held, keys, refused)))


def test_a_content_goes_if_nobody_else_has_it():
    """What others have stays, and is kept out by its place, or by the item where that stays."""
    found = select(holdings(), {1}, (), KEY, content=False)

    assert found.contents == {"cat picture"}
    assert found.stays == {"words", "logo"}
    assert [(item.key, item.files) for item in found.shared] == [
        ("item 2", ("twin.txt",)),
        ("item 3", ("logo.png",)),
    ]
    assert found.order.items == {1}
    stones = found.order.tombstones
    assert stones.contents == {of_content(KEY, "cat picture")}
    assert stones.places == {of_place(KEY, "m", "cat.txt", "words")}
    assert stones.members == {of_member(KEY, "m", "item 1", "logo")}


def test_with_content_all_goes_and_an_item_left_with_nothing_too():
    """Others lose what they had in common; one that has nothing else is erased."""
    found = select(holdings(), {1}, (), KEY, content=True)

    assert found.contents == {"cat picture", "words", "logo"}
    assert [item.key for item in found.items] == ["item 1", "item 3"]
    assert [item.key for item in found.shared] == ["item 2"]
    assert found.order.items == {1, 3}
    assert len(found.order.tombstones.contents) == 3


def test_items_that_have_all_in_common_go_together():
    """A content that only erased items have goes."""
    found = select(holdings(), {1, 2, 3}, (), KEY, content=False)

    assert found.stays == set()
    assert len(found.contents) == 4


def test_a_name_in_another_normal_form_is_found():
    """Disks decompose letters; a person types them composed."""
    rows = {"item_id": [1], "root": ["m"], "path": ["cafe\u0301.png"], "content_id": ["c"]}
    there = Holdings(pa.table(rows), pa.table({}), pa.table({}))

    assert there.at({("m", "café.png")}).num_rows == 1
    assert there.at({("other", "café.png")}).num_rows == 0
