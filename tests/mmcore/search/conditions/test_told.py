"""What is said of a condition: as a note, in both languages."""

import pytest

from mmcore.errors import ConfigError
from mmcore.search.conditions.relations import written
from mmcore.search.conditions.sandbox import columns_in
from mmcore.search.conditions.where import Where
from mmcore.search.notes import said
from tests.factories import small_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Two items."""
    return small_lake(tmp_path_factory.mktemp("lake"), ("cat", "狗"))


@pytest.mark.parametrize("text", ["-- a comment alone", "/* and so */", "()"])
def test_nothing_is_no_condition(text):
    """Brackets around nothing are a function of DuckDB's, which nobody wrote."""
    with pytest.raises(ConfigError, match="one condition"):
        columns_in(text)


@pytest.mark.parametrize("text", ["1 % 0 = 1", "+".join(["1"] * 1100) + " > 1"])
def test_no_advice_is_given_that_cannot_be_followed(lake, text):
    """DuckDB says how to SET something, which a condition may not."""
    with pytest.raises(ConfigError) as raised:
        Where(lake).items(text)

    assert "SET" not in str(raised.value)


def test_a_column_is_told_as_it_has_to_be_written():
    """With quotes, and those in it twice."""
    assert [written(name) for name in ("size", "城市", "a b", 'a"b')] == [
        "size",
        "城市",
        '"a b"',
        '"a""b"',
    ]


def test_what_crosses_from_the_process_is_still_a_note():
    """Its facts as well: names of functions are listed as each language lists."""
    with pytest.raises(ConfigError) as raised:
        columns_in("getenv('HOME') = 'x'")

    assert "'getenv' cannot be used here; there are: abs, " in str(raised.value)
    assert "此处不能使用函数 'getenv'；可用：abs、" in said(raised.value, "zh")
