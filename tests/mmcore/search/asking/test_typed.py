"""What is typed into one field."""

import pytest

from mmcore.search.asking.typed import parted


@pytest.mark.parametrize(
    ("text", "wanted", "without"),
    [
        ("animal -sheep", "animal", ("sheep",)),
        ('animal -"black sheep" -cat grass', "animal grass", ("black sheep", "cat")),
        ("山 -雪", "山", ("雪",)),
        ("山　－雪", "山", ("雪",)),
        ("-雪", "", ("雪",)),
        ("T-shirt well-known", "T-shirt well-known", ()),
        ("20 -30 degrees", "20 -30 degrees", ()),
        ("a - b", "a - b", ()),
        ("red  \n blue", "red  \n blue", ()),
        ("IMG-2034.jpg", "IMG-2034.jpg", ()),
    ],
)
def test_a_hyphen_before_a_word_says_that_it_is_not_wanted(text, wanted, without):
    """One within a word, before a digit or a blank is a hyphen."""
    assert parted(text) == (wanted, without)
