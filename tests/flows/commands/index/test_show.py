"""How a hit looks on a terminal, and as JSON."""

from io import StringIO

import pytest
from rich.console import Console

from flows.commands.index import show
from flows.commands.search import show as show_hits
from flows.config.index import EndedErasure, Forecast, IndexResult
from mmcore.types import Hit, Span

BOX = (0.0, 0.25, 0.5, 1.0)


def shown(span, kind, **more):
    """The line of a hit of that place and kind."""
    out = StringIO()
    hit = Hit(1, "cat", 0.5, 2, path="cat.pdf", root="media", span=span, kind=kind, **more)
    show_hits.hits(Console(file=out, width=200), [hit])
    return out.getvalue().splitlines()[1].partition("cat.pdf")[2].strip()


@pytest.mark.parametrize(
    ("span", "kind", "said"),
    [
        (None, None, ""),
        (None, "animation", "animation"),
        (Span(12.0, 22.0, "second"), "voice", "at 0:12–0:22, voice"),
        (Span(0.0, 0.5, "second"), None, "at 0:00.0–0:00.5"),
        (Span(12.0, 12.0, "second"), None, "at 0:12"),
        (Span(3723.0, 3733.4, "second"), "subtitle", "at 1:02:03–1:02:13, subtitle"),
        (Span(59.7, 61.0, "second"), None, "at 1:00–1:01"),
        (Span(2.0, 3.0, "page"), "page", "page 3"),
        (Span(2.0, 4.0, "page"), None, "pages 3–4"),
        (Span(2.0, 3.0, "page", BOX), "region", "page 3, region"),
        (Span(0.0, 1.0, "box", BOX), "region", "region"),
        (Span(0.0, 400.0, "char"), None, "characters 0–400"),
    ],
)
def test_a_hit_says_where_it_lies(span, kind, said):
    """Minutes and seconds; pages as people count them; a region; what the segment is."""
    assert shown(span, kind) == said


@pytest.mark.parametrize(
    ("source", "span", "kind", "said"),
    [
        ("self", None, None, ""),
        ("page:2", None, None, "page 2"),
        ("page:2", Span(0.0, 400.0, "char"), None, "page 2, characters 0–400"),
        ("subtitle:0", Span(12.0, 22.0, "second"), "subtitle", "subtitle 1, at 0:12–0:22"),
        ("track:0", Span(12.0, 22.0, "second"), "voice", "at 0:12–0:22, voice"),
        ("track:1", None, None, "track 2"),
        ("ocr@12ab", Span(0.0, 1.0, "box", BOX), "ocr", "region, ocr"),
        ("ocr@12ab", Span(2.0, 3.0, "box", BOX), "ocr", "page 3, region, ocr"),
        ("asr@12ab", Span(12.0, 22.0, "second"), "asr", "at 0:12–0:22, asr"),
    ],
)
def test_a_hit_says_of_which_part_of_the_file_it_is(source, span, kind, said):
    """A page of a document or a picture, a track; people count from 1."""
    assert shown(span, kind, source=source) == said


def test_the_first_of_several_pages_is_told():
    """Where there is no other, the page goes without saying."""
    first = Span(0.0, 1.0, "box", BOX)

    assert shown(first, "ocr", paged=True) == "page 1, region, ocr"


def test_a_text_is_on_one_line():
    """Its line breaks are spaces; what a terminal would obey is still shown as such."""
    out = StringIO()
    text = "one\n  two\u2028three\r\nfour \x1b[31m"
    show_hits.hits(Console(file=out, width=200), [Hit(1, "cat", 0.5, text=text)])

    assert "one two three four \N{REPLACEMENT CHARACTER}[31m" in out.getvalue()


def test_a_long_text_is_cut_and_says_so():
    """A short one has no such sign."""
    out = StringIO()
    found = [Hit(1, "long", 0.5, text="word " * 100), Hit(2, "short", 0.5, text="x" * 120)]
    show_hits.hits(Console(file=out, width=400), found)

    assert out.getvalue().count("word …") == 1
    assert out.getvalue().count("…") == 1


@pytest.mark.parametrize(("count", "said"), [(5, None), (26, "and 21 more")])
def test_the_names_of_a_quarantine_are_followed_by_how_many_more(count, said):
    """And by the command that names them all."""
    out = StringIO()
    examples = {f"{n}.jpg": "truncated" for n in range(5)}
    result = IndexResult(
        status="published",
        lake="lake",
        quarantined={"truncated": count - 2, "empty": 2},
        examples=examples,
    )
    show.indexed(Console(file=out, width=200), result)

    wanted = f"{said}: mmindex quarantine --list" if said else "--list"
    assert (wanted in out.getvalue()) is bool(said)


def test_a_hit_has_its_box_as_json():
    """Programs get the numbers."""
    told = show_hits.hit_json(Hit(1, "cat", 0.5, span=Span(2.0, 3.0, "page", BOX), kind="region"))

    assert (told["span"], told["box"], told["kind"]) == ([2.0, 3.0, "page"], list(BOX), "region")
    assert show_hits.hit_json(Hit(1, "cat", 0.5, source="page:2"))["source"] == "page:2"
    assert show_hits.hit_json(Hit(1, "cat", 0.5))["box"] is None


def test_the_last_lines_of_index_are_in_the_readers_language():
    """What was done, left out and judged; names of encoders and reasons stay as they are."""
    result = IndexResult(
        status="published",
        lake="/l",
        snapshot=2,
        items=3,
        items_added=2,
        items_gone=1,
        files={"image": 2, "text": 1},
        new={"e5-small": 1},
        segments={"image": 2, "audio": 1},
        quarantined={"truncated": 7},
        examples={"a.jpg": "truncated"},
        set_aside=("items/a.parquet",),
        forgotten=1,
        waiting=2,
        truncated=3,
        erasure=EndedErasure(ended=True, reissued=(1, 2)),
        evaluation="measured",
        verdict="pass",
        baseline=1,
        scores={"a→b": {"RR": 0.5}},
    )
    out = StringIO()

    show.indexed(Console(file=out, width=200), result, "zh")

    said = [line.split(maxsplit=1) for line in out.getvalue().splitlines()]
    told = {line[0]: line[-1].strip() for line in said if len(line) > 1}
    assert told["mmindex"] == "已发布快照 2"
    assert told["条目"] == "3（新增 2，消失 1）"
    assert told["文件"] == "图片 2，文本 1"
    assert told["已嵌入"] == "e5-small 1"
    assert told["沿用"] == "无"
    assert told["片段"] == "图片 2，声音 1"
    assert told["隔离"] == "truncated 7"
    assert told["已修复"] == "数据湖中损坏的 1 个文件"
    assert told["清除"] == "已完成：重写了快照 1, 2；没有找到残留"
    assert told["闸门"] == "通过，与快照 1 比较"
    assert told["方向"].split() == ["Success@1", "Success@10", "RR"]


def test_a_forecast_is_in_the_readers_language():
    """Of a large source: what was listed, and the hours that it will take."""
    told = Forecast(
        files=4000,
        bytes=2 * 10**9,
        sampled=100,
        media={"image": 4000},
        reading=3600.0,
        models=7200.0,
        disk=10**9,
    )
    said = {}
    for language in ("en", "zh"):
        out = StringIO()
        result = IndexResult(status="planned", lake="/l", forecast=told)
        show.indexed(Console(file=out, width=200), result, language)
        said[language] = out.getvalue()

    assert "4,000 files, 2.0 GB" in said["en"]
    assert "3.0 h: 1.0 h to read once, 2.0 h in the models" in said["en"]
    assert "4,000 个文件，2.0 GB" in said["zh"]
    assert "3.0 小时：读取一遍 1.0 小时，模型计算 2.0 小时" in said["zh"]
