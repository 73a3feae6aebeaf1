from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from mmcore.errors import ConfigError
from mmcore.search.asking.queries import Asker
from mmcore.search.conditions.where import Where
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from storage.schemas import Modality, item_id
from storage.tables import read_parts, write_part
from tests.factories import segment, small_lake
from tests.lakes import coloured_items, make_lake, towers

KEYS = ("cat", "狗", "owl")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Three items, with columns of the user's and files of other sizes and times."""
    snapshot = small_lake(tmp_path_factory.mktemp("湖"), KEYS)
    changed(snapshot, "items", with_columns)
    changed(snapshot, "files", with_sizes)
    return snapshot


def changed(snapshot, table, change):
    """Put in place of the one part of a table what ``change`` makes of it."""
    (path,) = (snapshot.layout.root / name for name in snapshot.manifest.paths(table))
    part = read_parts([path])
    path.unlink()
    write_part(path, change(part))


def with_columns(items):
    """Chinese names, one that is the lake's but for its case, one that files have, a struct."""
    values = dict(zip(KEYS, range(3), strict=True))
    order = [values[key] for key in items["key"].to_pylist()]
    columns = {
        "价格": [[1.5, 2.5, None][n] for n in order],
        "城市": [["上海", "北京", "上海"][n] for n in order],
        "KEY": [["a", "b", "c"][n] for n in order],
        "size": [["S", "M", "L"][n] for n in order],
        "Two words": order,
        "nothing": pa.nulls(3),
        "place": [{"town": "x", "n": n} for n in order],
    }
    labels = pa.array([[["pet", "furry"], ["pet"], []][n] for n in order], pa.list_(pa.string()))
    items = items.set_column(items.column_names.index("labels"), "labels", labels)
    for name, column in columns.items():
        items = items.append_column(name, column if isinstance(column, pa.Array) else [column])
    return items


def with_sizes(files):
    """Sizes by medium; times a year apart."""
    kinds = files["media_type"].to_pylist()
    rows = files.to_pylist()
    for row, kind in zip(rows, kinds, strict=True):
        row["size"] = 5_000_000_000 if kind == "image/png" else 10
        year = 2020 if row["path"].startswith("cat") else 2024
        row["mtime_ns"] = int(datetime(year, 5, 1, tzinfo=UTC).timestamp()) * 10**9
        row["language"] = "zh" if row["path"] == "狗.txt" else None
    return pa.Table.from_pylist(rows, schema=files.schema)


@pytest.fixture(scope="module")
def where(lake):
    """Conditions on that lake."""
    return Where(lake)


def keys(ids):
    """The keys of items."""
    named = {item_id("media", key): key for key in KEYS}
    return [named[one] for one in ids.tolist()]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("key = 'cat'", ["cat"]),
        ("key = '狗'", ["狗"]),
        ("Items.Key = 'cat'", ["cat"]),
        ("城市 = '上海'", ["cat", "owl"]),
        ("价格 > 2", ["狗"]),
        ("价格 IS NULL", ["owl"]),
        ('"价格" between 1 and 2', ["cat"]),
        ("items.size = 'M'", ["狗"]),
        ("files.size > 1e9 and key <> 'owl'", ["cat", "狗"]),
        ('"Two words" in (1, 2)', ["owl", "狗"]),
        ("place.town = 'x' and place.n = 2", ["owl"]),
        ("items.place.n = 0", ["cat"]),
        ("nothing is null", ["cat", "owl", "狗"]),
        ("KEY_1 = 'b'", ["狗"]),
        ("label = 'pet'", ["cat", "狗"]),
        ("label = 'furry' and path like '%.txt'", ["cat"]),
        ("list_contains(labels, 'furry') or 'x' in labels", ["cat"]),
        ("list_contains(labels, 'furry') and label = 'pet'", ["cat"]),
        ("len(labels) = 0", ["owl"]),
        ("path like '狗.%'", ["狗"]),
        ("modality = 'image' and media_type = 'text/plain'", []),
        ("mtime < '2021-01-01'", ["cat"]),
        ("year(mtime) = 2024 and mtime::date = date '2024-05-01'", ["owl", "狗"]),
        ("language = 'zh'", ["狗"]),
        ("language = 'en'", ["cat", "owl"]),
        ("root = 'media' and has_text and not has_video", ["cat", "owl", "狗"]),
        ("regexp_matches(key, '^[a-z]+$')", ["cat", "owl"]),
        ("key ilike 'C%' or lower(KEY_1) = 'c' -- so", ["cat", "owl"]),
        ("case when key = 'cat' then 价格 else 0 end > 1", ["cat"]),
        ("coalesce(价格, 9) > 5", ["owl"]),
        ("duration > 0", []),
        ("true", ["cat", "owl", "狗"]),
        ("null", []),
        ("1 = 2", []),
    ],
)
def test_items_pass(where, sql, found):
    """A condition names columns of items, the user's and the files' among them."""
    ids = where.items(sql)

    assert sorted(keys(ids)) == found
    assert ids.tolist() == sorted(set(ids.tolist()))
    assert ids.dtype == np.int64


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("x" * 10_001, "10,001 characters"),
        ("key = 'a\0b'", "characters that no text has"),
        ("key = '\ud800'", "characters that no text has"),
        ("key = = 1", "syntax error"),
        ("key =", "it ends too early"),
        ("城市 = '上海' AND", "it ends too early"),
        ("(key = 1", "it ends too early"),
        ("key = 'cat", "unterminated"),
        ("key ＝ 'cat'", "SQL knows no ＝"),
        ("key = ‘cat’", "SQL knows no ‘’"),
        ("lable = 'x'", "no column 'lable'; there are, of items item_id, root, key, labels"),
        ("lable = 'x'", '价格, 城市, KEY_1, size, "Two words", nothing, place'),
        ("lable = 'x'", "of files path, modality, content_id, media_type, size, mtime"),
        ("files.labels = 'x'", "no column 'files.labels'"),
        ("size > 1", "'size' is there twice: write items.size or files.size"),
        ("current_date > mtime", "no column 'current_date'|'current_date' cannot be used"),
        ("now() > mtime", "'now' cannot be used here; there are: abs"),
        ("key", "Could not convert"),
        ("files.size = 'big'", "Could not convert"),
        ("lower(1, 2, 3) = ''", "lower"),
        ('"§place" = 1', "no column"),
        ("items = 1", "no column 'items'"),
        ("rowid = 1", "no column 'rowid'"),
        ("key in (select 'cat')", "no SELECT"),
        ("'pet' = any(labels)", "list_contains"),
        ("key = ?", "placeholder"),
        ("key = $1", "placeholder"),
        ("columns(*) = 1", "name one column"),
        ("count(*) > 1", "cannot be used"),
        ("row_number() over () = 1", "windows"),
        ("key::int[1000] is null", "nothing can be made array here"),
        ("key = repeat('a', 1000000000)", "'repeat' cannot be used"),
        ("key || key = ''", "cannot be used"),
        ("key collate nocase = 'CAT'", "collate cannot be used"),
        ("true limit 1", "syntax error"),
        ("(" * 9_000, "nested too deeply"),
        ("[(" * 60 + ")]" * 60, "nested too deeply"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_line(where, sql, told):
    """With the columns that there are, where one is named that there is not."""
    with pytest.raises(ConfigError, match=told) as raised:
        where.items(sql)

    assert str(raised.value).startswith("where: ")
    assert "\n" not in str(raised.value)


def test_an_item_passes_with_one_of_its_files(where):
    """What is said of a file is said of one and the same."""
    assert len(where.items("media_type = 'image/png' and files.size > 1e9")) == 3
    assert len(where.items("media_type = 'text/plain' and files.size > 1e9")) == 0


def test_an_answer_is_kept(where, monkeypatch):
    """Equal conditions are run once; nobody can change what was answered."""
    first = where.items("key = 'owl'")
    monkeypatch.setattr("mmcore.search.conditions.where.columns_in", None)

    assert where.items("  key = 'owl'\n") is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


def test_answers_that_are_kept_do_not_fill_the_memory(lake, monkeypatch):
    """The oldest go, by bytes and by number; they can be asked again."""
    monkeypatch.setattr("mmcore.search.conditions.where._KEPT_BYTES", 50)
    where = Where(lake)
    asked = [where.items(f"'{n}' = '{n}'") for n in range(5)]

    assert len(where._kept.found((f"'{n}' = '{n}'",) for n in range(5))) == 2
    assert all(np.array_equal(one, asked[0]) for one in asked)
    assert np.array_equal(where.items("'0' = '0'"), asked[0])


def test_segments_are_those_of_the_items(where):
    """Of one medium, sorted; of no items there are none."""
    cat = where.items("key = 'cat'")

    assert where.segments(Modality.IMAGE, cat).tolist() == [segment("cat-image")]
    assert where.segments(Modality.TEXT, cat).tolist() == [segment("cat-text")]
    assert where.segments(Modality.TEXT, cat) is where.segments(Modality.TEXT, cat)
    assert where.segments(Modality.AUDIO, cat).tolist() == []
    assert where.segments(Modality.IMAGE, cat[:0]).tolist() == []


def test_a_condition_is_pushed_into_the_index(tmp_path):
    """As many rows come back as pass, however far from the query they are."""
    snapshot = make_lake(tmp_path, coloured_items(copies=2), towers())
    where = Where(snapshot)
    items = where.items("key like 'pink-%' or path = 'grey-1.png'")
    red = towers()[0].encode_query("something red")[None]
    for modality in (Modality.IMAGE, Modality.TEXT):
        allowed = where.segments(modality, items)
        _, found = snapshot.index(modality).search(red, len(allowed), allowed)
        assert sorted(found[0].tolist()) == allowed.tolist()
    _, fused = snapshot.index("fused").search(red, 4, items)

    assert sorted(fused[0].tolist()) == [-1, *items.tolist()]


@pytest.mark.parametrize("modalities", [(), ("image",), ("text",), ("image", "text")])
def test_a_search_answers_with_all_that_pass(tmp_path, modalities):
    """As many as are asked for, where they are, though they are the last ones otherwise.

    Equal captions are segments of an item that passes, and of one that does not.
    """
    snapshot = make_lake(tmp_path, coloured_items(copies=2), towers())
    searcher = Searcher(snapshot, Asker(snapshot.manifest, towers(), None))
    request = SearchRequest(
        parts=(Part(text="something red"),),
        modalities=modalities,
        where="key like 'pink-%' or path = 'grey-1.png'",
        words=0.0,
    )

    hits = searcher.answer(request).hits
    assert sorted(hit.key for hit in hits) == ["grey-1", "pink-1", "pink-2"]
    one = request.model_copy(update={"k": 1, "offset": 2})
    assert [hit.key for hit in searcher.answer(one).hits] == [hits[2].key]
    with pytest.raises(ConfigError, match="no column 'lable'"):
        searcher.answer(request.model_copy(update={"where": "lable = 1"}))


def test_sounds_have_a_duration_and_texts_a_language(tmp_path):
    """Seconds to the end of the last window; what a text was found to be, if no name tells."""
    items = {"s": {"s.wav": "25"}, "t": {"t.wav": "3"}, "zh": {"zh.txt": "一面红色的墙。"}}
    where = Where(make_lake(tmp_path, items, towers(audio=True)))

    assert where.items("duration > 20").tolist() == [item_id("media", "s")]
    assert where.items("duration is null").tolist() == [item_id("media", "zh")]
    assert where.items("language = 'zh'").tolist() == [item_id("media", "zh")]


def test_an_empty_lake_has_no_items(tmp_path):
    """A condition on nothing lets nothing pass."""
    where = Where(small_lake(tmp_path, []))

    assert where.items("label = 'x' or files.size > 1 or has_text").tolist() == []
    assert where.segments(Modality.IMAGE, where.items("true")).tolist() == []


def test_columns_are_listed_by_relation(where):
    """For whoever offers them."""
    assert where.columns()["labels"] == ("label",)
    assert "价格" in where.columns()["items"]
    assert "media_type" in where.columns()["files"]


def test_a_column_that_is_there_twice_is_told_by_its_relation(tmp_path):
    """As a user's own label, and the lake's."""
    snapshot = small_lake(tmp_path, KEYS)
    changed(snapshot, "items", lambda items: items.append_column("label", [["a", "b", "c"]]))
    where = Where(snapshot)

    assert len(where.items("items.label = 'a'")) == 1
    assert keys(where.items("labels.label = '狗'")) == ["狗"]
    with pytest.raises(ConfigError, match=r"write items\.label or labels\.label"):
        where.items("label = 'a'")


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ('label = "trips"', r"a text has single quotes: 'trips'\)$"),
        ("labels = 'x'", r"write label = 'x', or list_contains\(labels, 'x'\)\)$"),
        ("labels like 'x%'", r"a list has no = and no LIKE"),
        ("nowhere = 'x'", r"of labels label$"),
    ],
)
def test_a_usual_slip_is_told_with_what_is_right(where, condition, hint):
    """Quotes of names about a text, and a list compared as a text is."""
    with pytest.raises(ConfigError, match=hint):
        where.items(condition)


def test_many_ask_at_once(lake):
    """Threads that share it get the same answers."""
    where = Where(lake)
    asked = [f"key = '{key}' and label is null = false" for key in ("cat", "狗")] * 8
    with ThreadPoolExecutor(8) as threads:
        found = [keys(one) for one in threads.map(where.items, asked)]

    assert found == [["cat"], ["狗"]] * 8


def test_what_is_laid_aside_goes(lake):
    """With the object, at once."""
    where = Where(lake)
    where.items("key = 'cat'")
    folder = where._columns()._folder.path
    assert folder.is_dir()
    del where

    assert not folder.exists()
