import pytest

from storage import schemas
from storage.diff import diff
from storage.turnover import Held, Turnover, turnover
from tests.storage.test_diff import lake_of

CAT = {"cat.png": "picture", "cat.txt": "text"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"cat": CAT}, {"cat": CAT}, Turnover()),
        ({}, {"cat": CAT}, Turnover(added=1)),
        ({"cat": CAT}, {}, Turnover(gone=1)),
        ({"cat": CAT}, {"猫": CAT}, Turnover(renamed=1)),
        ({"cat": CAT}, {"cat": CAT | {"cat.txt": "other"}}, Turnover(changed=1)),
        ({"cat": CAT}, {"cat": {"cat.png": "picture"}}, Turnover(changed=1)),
        ({"cat": CAT}, {"cat": CAT | {"cat.zh.txt": "text"}}, Turnover()),
        ({"a": CAT, "b": CAT, "c": CAT}, {"x": CAT, "y": CAT}, Turnover(gone=1, renamed=2)),
        (
            {"a": CAT, "b": {"b": "1"}, "c": {"c": "2"}, "d": {"d": "3"}},
            {"z": CAT, "b": {"b": "4"}, "e": {"e": "5"}, "d": {"d": "3"}},
            Turnover(added=1, gone=1, renamed=1, changed=1),
        ),
    ],
)
def test_items_are_counted_as_diff_names_them(tmp_path, old, new, told):
    """Each item once: by its key, and where that is new, by what it holds."""
    before, after = lake_of(tmp_path / "a", old), lake_of(tmp_path / "b", new)
    named = diff(before, after).items

    found = turnover(Held.of(before), Held.of(after))

    assert found == told
    assert found == Turnover(*map(len, (named.added, named.gone, named.renamed, named.changed)))


def test_all_items_of_a_first_snapshot_are_new(tmp_path):
    """There is none before it."""
    assert turnover(Held.of(None), Held.of(lake_of(tmp_path, {"cat": CAT}))) == Turnover(added=1)


def test_items_that_hold_nothing_are_not_taken_for_renamed():
    """Nothing tells them apart."""
    nothing = schemas.ITEM_FILES.empty_table()
    one, other = (Held.made([n], nothing) for n in (1, 2))

    assert turnover(one, other) == Turnover(added=1, gone=1)
