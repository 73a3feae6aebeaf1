"""Tests of mmcore/media/manifest.py."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmcore.errors import ConfigError
from mmcore.media.manifest import read_manifest
from tests import media

ROWS = [
    {"path": "a.jpg", "item": "1", "caption": "A frog.", "language": "en", "label": "frog"},
    {"path": "a.jpg", "item": "1", "caption": "青蛙。", "language": "zh_CN", "split": "test"},
]


def written(folder, kind):
    """The same two rows as one of the three kinds."""
    path = folder / f"manifest.{kind}"
    if kind == "csv":
        columns = ["path", "item", "caption", "language", "label", "split"]
        lines = [",".join(row.get(column, "") for column in columns) for row in ROWS]
        path.write_text("\n".join([",".join(columns), *lines]), "utf-8")
    elif kind == "jsonl":
        path.write_text("\n\n".join(json.dumps(row) for row in ROWS), "utf-8")
    else:
        columns = sorted({name for row in ROWS for name in row})
        pq.write_table(pa.table({n: [row.get(n) for row in ROWS] for n in columns}), path)
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_the_three_kinds_say_the_same(tmp_path, kind):
    """CSV, JSONL and Parquet with the same columns give the same rows."""
    first, second = read_manifest(written(tmp_path, kind))

    assert (first.path, first.item, first.labels, first.split) == ("a.jpg", "1", ("frog",), None)
    assert first.captions == (("en", "A frog."),)
    assert second.captions == (("zh", "青蛙。"),)
    assert (second.split, second.columns) == ("test", {})


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_csv_may_have_the_charsets_of_spreadsheets(tmp_path, charset):
    """Spreadsheets save with a mark, or in GB18030."""
    path = media.text(tmp_path / "manifest.csv", "path,caption\r\n猫.jpg,一只猫。\r\n", charset)
    (row,) = read_manifest(path)

    assert (row.path, row.captions) == ("猫.jpg", ((None, "一只猫。"),))


def test_captions_may_stand_in_columns_by_language(tmp_path):
    """caption_en and caption_zh are captions; any other column is the user's."""
    path = media.text(
        tmp_path / "manifest.csv",
        "Item,caption_en,caption_zh,caption_source,year\n1,A frog,青蛙,web,1999\n",
    )
    (row,) = read_manifest(path)

    assert row.captions == (("en", "A frog"), ("zh", "青蛙"))
    assert row.columns == {"caption_source": "web", "year": "1999"}


def test_values_keep_their_types_in_jsonl(tmp_path):
    """Users' columns keep their types; item ids become text; labels may be a list."""
    path = media.text(tmp_path / "m.jsonl", '{"item": 7, "label": ["a", "b"], "size": [1, 2]}')
    (row,) = read_manifest(path)

    assert (row.item, row.labels, row.columns) == ("7", ("a", "b"), {"size": [1, 2]})


def test_quoted_fields_may_hold_anything(tmp_path):
    """A quoted caption may have commas, quotes and line ends."""
    path = media.text(tmp_path / "m.csv", 'path,caption\na.jpg,"A ""big"", green\nfrog"\n')
    (row,) = read_manifest(path)

    assert row.captions == ((None, 'A "big", green\nfrog'),)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", "caption\nA frog\n", "line 2: neither path nor item"),
        ("m.csv", "path,caption\na.jpg,A frog, green\n", "line 2: more fields than columns"),
        ("m.csv", "path,Path\na,b\n", "column 'path' is there twice"),
        ("m.csv", "path\n../a.jpg\n", "line 2: path '../a.jpg' does not lie below"),
        ("m.csv", "path\n/etc/passwd\n", "line 2: path '/etc/passwd' does not lie below"),
        ("m.csv", "path\nC:\\a.jpg\n", "does not lie below"),
        ("m.jsonl", '{"path": "a.jpg"}\n{"path":', "line 2: not JSON"),
        ("m.jsonl", "[1]", "line 1: not a JSON object"),
        ("m.parquet", "no parquet", "not a readable Parquet file"),
        ("m.xlsx", "", "known are .csv, .jsonl and .parquet"),
    ],
)
def test_an_unusable_manifest_says_where(tmp_path, name, content, message):
    """A manifest that cannot be used stops the run before work, with its line."""
    with pytest.raises(ConfigError, match=message):
        read_manifest(media.text(tmp_path / name, content))


def test_an_empty_manifest_has_no_rows(tmp_path):
    """No line, or the header alone, is no row."""
    assert read_manifest(media.text(tmp_path / "a.csv", "")) == []
    assert read_manifest(media.text(tmp_path / "b.csv", "path,caption\n")) == []
    assert read_manifest(media.text(tmp_path / "c.jsonl", "\n")) == []
