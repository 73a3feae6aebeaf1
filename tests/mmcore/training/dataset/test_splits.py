import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcore.training.dataset.spec import DatasetSpec
from mmcore.training.dataset.splits import (
    SPLITS,
    TEST,
    TRAIN,
    VALIDATION,
    divide,
    named,
    split_folders,
    without_leaks,
)
from mmcore.training.split import is_held_out

keys = st.frozensets(st.sampled_from("abcdefghijklmnop"), min_size=1, max_size=3)
items = st.lists(st.tuples(st.sampled_from([None, *SPLITS, "fifth"]), keys), max_size=30)
specs = st.builds(
    DatasetSpec,
    held_out=st.sampled_from([0.0, 0.2, 0.7]),
    validation=st.sampled_from([0.0, 0.1, 0.6]),
    fold=st.integers(0, 3),
)


@given(items, specs)
def test_no_key_of_a_tried_item_is_trained_on(found, spec):
    """After the leaks are dropped, no two of train, validation and test share a key."""
    told, mine = [one for one, _ in found], [own for _, own in found]
    splits, _ = without_leaks(divide(told, mine, spec), mine)
    seen = {
        name: {k for split, own in zip(splits, mine, strict=True) if split == name for k in own}
        for name in SPLITS
    }

    assert seen[TRAIN].isdisjoint(seen[TEST] | seen[VALIDATION])
    assert seen[VALIDATION].isdisjoint(seen[TEST])


@given(items, specs)
def test_what_is_dropped_is_counted(found, spec):
    """Items kept and items dropped are all items; no tried item is dropped."""
    told, mine = [one for one, _ in found], [own for _, own in found]
    before = divide(told, mine, spec)
    after, dropped = without_leaks(before, mine)

    for name in (TRAIN, VALIDATION):
        assert after.count(name) + dropped[name] == before.count(name)
    assert after.count(TEST) == before.count(TEST)
    assert after.count("fifth") == told.count("fifth")


@given(items, specs)
def test_a_given_split_wins(found, spec):
    """What is given to test or validation stays there, whatever its hash says."""
    splits = divide([one for one, _ in found], [own for _, own in found], spec)

    for split, (told, _) in zip(splits, found, strict=True):
        assert told is None or split == told or (told == TRAIN and split == VALIDATION)


@given(items, specs, st.randoms(use_true_random=False))
def test_a_split_does_not_depend_on_the_order(found, spec, shuffler):
    """An item's split is decided by itself."""
    order = list(range(len(found)))
    shuffler.shuffle(order)
    one = divide([a for a, _ in found], [b for _, b in found], spec)
    other = divide([found[n][0] for n in order], [found[n][1] for n in order], spec)

    assert [one[n] for n in order] == list(other)


@given(st.lists(keys, max_size=30), st.sampled_from([0.2, 0.5]))
def test_the_test_split_is_what_lakes_hold_out(mine, share):
    """An item is tried on if any of its captions is held out, as a lake's queries are."""
    spec = DatasetSpec(held_out=share, validation=0)
    splits = divide([None] * len(mine), mine, spec)

    assert splits == tuple(
        TEST if any(is_held_out(key, share) for key in own) else TRAIN for own in mine
    )


def test_another_fold_is_another_split():
    """Folds hold out about the same share, and not the same captions."""
    mine = [frozenset([f"caption {n}"]) for n in range(2000)]
    first, second = (
        {n for n, s in enumerate(divide([None] * 2000, mine, DatasetSpec(fold=f))) if s == TEST}
        for f in (0, 1)
    )

    assert 340 < len(first) < 460
    assert 340 < len(second) < 460
    assert 40 < len(first & second) < 130  # 4 in 100 are in both by chance


def test_where_validation_is_given_no_more_is_taken():
    """A share of train is put to validation only where nothing is given to it."""
    mine = [frozenset([str(n)]) for n in range(200)]
    spec = DatasetSpec(validation=0.5)

    taken = divide(["train"] * 200, mine, spec)
    left = divide([*["train"] * 199, "val"], mine, spec)

    assert 70 < taken.count(VALIDATION) < 130
    assert left.count(VALIDATION) == 1
    assert TEST not in taken


@pytest.mark.parametrize(
    ("told", "split"),
    [("Train", TRAIN), ("val", VALIDATION), ("dev", VALIDATION), ("testing", TEST), ("5", "5")],
)
def test_splits_have_the_names_that_people_give_them(told, split):
    """The usual names mean the usual splits; any other name is a split of its own."""
    assert named(told) == split


@pytest.mark.parametrize(
    ("tops", "found"),
    [
        ({"train", "test"}, {"train", "test"}),
        ({"train"}, {"train"}),
        ({"train", "valid", "notes"}, {"train", "valid"}),
        ({"train", "bus", "car"}, set()),
        (set(), set()),
    ],
)
def test_a_class_may_be_called_train(tops, found):
    """A folder that alone has a split's name among others is a class: trains, beside cars."""
    assert split_folders(tops) == found
