"""Tests of mmcore/media/texts/tables.py."""

import pytest

from mmcore.media.texts.tables import Table, caption_table, holds_captions


@pytest.mark.parametrize(
    "name",
    [
        "caption",
        "Captions",
        "caption_zh",
        "title-en",
        "altText",
        "caption 1",
        "zh",
        "zh_CN",
        "description_zh-Hans",
        "描述",
        "标题_en",
        "raw_text",
        "English",
    ],
)
def test_names_of_human_text(name):
    """Case, plural, numbers and a language do not hide them."""
    assert holds_captions(name)


@pytest.mark.parametrize(
    "name", ["file", "id", "texture", "", "fr", "text_path", "title" * 99, "1"]
)
def test_names_of_something_else(name):
    """A name that only contains one is none."""
    assert not holds_captions(name)


@pytest.mark.parametrize(
    "text", ["", "caption\nfrog", "a,b\n1,2", "title,title\na,b", "Text, x\ny"]
)
def test_other_tables_are_none(text):
    """A table needs two columns with names, one of human text, and a row that fits."""
    assert caption_table(text) is None


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_table_with_a_column_of_text(delimiter):
    """Commas, tabs and semicolons part its cells."""
    text = "file,title,n,描述\na.jpg,b,1,c\n".replace(",", delimiter)

    assert caption_table(text) == Table(delimiter, (1, 3))
