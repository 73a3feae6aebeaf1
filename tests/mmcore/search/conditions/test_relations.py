"""Tests of which column a name in a condition means."""

import pytest

from mmcore.errors import ConfigError
from mmcore.search.conditions.bounds import FILES, ITEMS, LABELS, PLACE
from mmcore.search.conditions.relations import Relations

RELATIONS = Relations.of(["key", "labels", "size", "KEY", "城市"])


def test_columns_are_needed_by_relation():
    """Each once, beside the place of the item, which items always have."""
    refs = [("Key",), ("files", "size"), ("label",), ("key",), ("duration",)]

    assert {name: [*of] for name, of in RELATIONS.needed(refs).items()} == {
        ITEMS: [PLACE, "key"],
        FILES: [PLACE, "size", "duration"],
        LABELS: [PLACE, "label"],
    }


def test_a_column_that_differs_by_case_alone_gets_a_number():
    """Or nobody could name it."""
    assert RELATIONS.stored[ITEMS]["KEY_1"] == "KEY"


@pytest.mark.parametrize(
    ("ref", "why"), [(("size",), "items.size"), (("nothing",), "城市"), (("files", "x"), "x")]
)
def test_a_name_that_is_none_or_two_is_refused(ref, why):
    """It is told what there is."""
    with pytest.raises(ConfigError, match=why):
        RELATIONS.needed([ref])
