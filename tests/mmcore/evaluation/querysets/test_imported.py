"""A user's files as the rows of a query set."""

import csv

import pytest
from PIL import Image

from mmcore.errors import ConfigError
from mmcore.evaluation.querysets import imported
from mmcore.evaluation.querysets.imported import import_pairs, import_qrels
from storage.schemas import content_id
from storage.snapshot import Snapshot
from tests import media
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import item


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Eight items, ``media/red-1`` and so on."""
    return make_lake(tmp_path_factory.mktemp("lake"), coloured_items(), towers())


@pytest.fixture
def put(tmp_path):
    """Write a file and return its path."""

    def put(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return put


def judged(found):
    """Query, item and grade of each row."""
    rows = found.qrels.to_pylist()
    return [(row["query_id"], row["item_id"], row["grade"]) for row in rows]


def test_judgements_of_trec_come_with_their_topics(lake, put):
    """An item goes by ROOT/key, ROOT/path or id; a language that is not told is found."""
    red, blue = item(lake, "red-1"), item(lake, "blue-1")
    qrels = put("a.qrels", f"1 0 media/red-1 2\n1 0 media/blue-1.png 1\n2 0 {blue} 1\n")
    topics = put("a.tsv", "1\tsomething red\n2\t蓝色\n3\tof no use\n")

    found = import_qrels(lake, qrels, topics)

    assert judged(found) == sorted([("1", red, 2), ("1", blue, 1), ("2", blue, 1)])
    asked = [(row["query_id"], row["language"], row["text"]) for row in found.queries.to_pylist()]
    assert asked == [("1", "en", "something red"), ("2", "zh", "蓝色")]
    assert (found.kind, found.missing, found.unanswered) == ("qrels", (), ())


def test_a_csv_has_queries_and_judgements_in_one(lake, put, tmp_path):
    """A text of one language is one query; a picture is copied, by its content."""
    media.png(tmp_path / "asked.png", Image.new("RGB", (4, 4), "red"))
    path = put(
        "a.csv",
        "query,language,modality,item,grade\n"
        'a "red" wall,en,,media/red-1,2\n'
        'a "red" wall,en,text,media/pink-1,\n'
        "asked.png,,image,media/red-1,1\n",
    )
    data = (tmp_path / "asked.png").read_bytes()

    found = import_qrels(lake, path)

    by_modality = {row["modality"]: row for row in found.queries.to_pylist()}
    text, picture = by_modality["text"], by_modality["image"]
    assert (text["text"], text["language"], text["media"]) == ('a "red" wall', "en", None)
    assert (picture["text"], picture["media"]) == (None, content_id(data))
    assert found.media == {content_id(data): data}
    grades = {(query, place): grade for query, place, grade in judged(found)}
    assert grades == {
        (text["query_id"], item(lake, "red-1")): 2,
        (text["query_id"], item(lake, "pink-1")): 1,
        (picture["query_id"], item(lake, "red-1")): 1,
    }


def test_a_path_column_and_percent_codes_are_understood(lake, put):
    """As in our own run files."""
    found = import_qrels(lake, put("a.csv", "query,path\nred,media/red%2D1.png\n"))

    assert judged(found)[0][1] == item(lake, "red-1")


def test_an_unknown_item_is_an_error_with_its_line(lake, put):
    """Unless it may be missing: then it is listed, and so is a query left without answer."""
    path = put("a.csv", "query,item\nred,media/red-1\ngold,media/gold-1\nred,media/gold-1\n")

    with pytest.raises(ConfigError, match=r"a\.csv.*line 3: media/gold-1; line 4"):
        import_qrels(lake, path)
    found = import_qrels(lake, path, allow_missing=True)

    assert (found.missing, len(found.unanswered)) == (("media/gold-1",), 1)
    assert [row["text"] for row in found.queries.to_pylist()] == ["red"]


def test_a_query_with_nothing_right_is_left_out(lake, put):
    """Grade 0 and less is not relevant; such a row of another query stays."""
    path = put(
        "a.csv", "query,item,grade\nred,media/red-1,1\nred,media/blue-1,0\ngold,media/red-1,-1\n"
    )

    found = import_qrels(lake, path)

    assert found.queries.num_rows == 1
    assert sorted(grade for *_, grade in judged(found)) == [0, 1]
    assert len(found.unanswered) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: has no column query"),
        ("item,grade\n", "line 1: has no column query"),
        ("query,item\n", "has no judgements"),
        ("query,item\n,media/red-1\n", "line 2: has no query"),
        ("query,item\nred,\n", "line 2: has no query, or no item"),
        ("query,item\nred,media/red-1,3,4\n", "line 2: has more values"),
        ("query,item,grade\nred,media/red-1,good\n", "line 2: the grade 'good'"),
        ("query,item,grade\nred,media/red-1,1\nred,media/red-1.png,2\n", "line 3: media/red"),
        ("query,item,modality\nred,media/red-1,smell\n", "line 2: there is no modality 'smell'"),
        ("query,item,modality\nno.png,media/red-1,image\n", "line 2: there is no file"),
        ("query,item,grade\nred,media/red-1,0\n", "no query has a right answer"),
    ],
)  # fmt: skip
def test_a_bad_csv_names_its_line(lake, put, text, says):
    """And nothing is imported."""
    with pytest.raises(ConfigError) as error:
        import_qrels(lake, put("a.csv", text))

    assert says in str(error.value)


def test_a_judgement_needs_its_topic(lake, put):
    """And TREC's file needs a file of topics."""
    qrels = put("a.qrels", "9 0 media/red-1 1\n")

    with pytest.raises(ConfigError, match="line 1: query '9' is not among the topics"):
        import_qrels(lake, qrels, put("a.tsv", "1\tred\n"))
    with pytest.raises(ConfigError, match="--queries FILE"):
        import_qrels(lake, qrels)


def test_a_file_is_what_its_modality_says(lake, put, tmp_path, monkeypatch):
    """And not too large: it is copied into the lake."""
    media.png(tmp_path / "asked.png", Image.new("RGB", (4, 4), "red"))
    heard = put("a.csv", "query,modality,item\nasked.png,audio,media/red-1\n")
    seen = put("b.csv", "query,modality,item\nasked.png,image,media/red-1\n")

    with pytest.raises(ConfigError, match="is image, not audio"):
        import_qrels(lake, heard)
    monkeypatch.setattr(imported, "LARGEST", 10)
    with pytest.raises(ConfigError, match="copied into the lake"):
        import_qrels(lake, seen)


def test_pairs_ask_for_one_another(lake, put):
    """Two queries a row, which share the number of the pair."""
    found = import_pairs(lake, put("a.csv", "id,en,zh\n7,A cat,一只猫\n8,A dog,一只狗\n"))

    rows = [(r["query_id"], r["language"], r["text"]) for r in found.queries.to_pylist()]
    assert rows == [
        ("1/en", "en", "A cat"),
        ("1/zh", "zh", "一只猫"),
        ("2/en", "en", "A dog"),
        ("2/zh", "zh", "一只狗"),
    ]
    assert judged(found) == [("1/en", 1, 1), ("1/zh", 1, 1), ("2/en", 2, 1), ("2/zh", 2, 1)]
    assert found.kind == "pairs"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("zh\n一\n", "line 1: has no column en"),
        ("zh,en\n", "has no pairs"),
        ("zh,en\n一,one\n二, \n", "line 3: has no en"),
    ],
)
def test_a_bad_pair_names_its_line(lake, put, text, says):
    """As for judgements."""
    with pytest.raises(ConfigError) as error:
        import_pairs(lake, put("a.csv", text))

    assert says in str(error.value)


def test_a_private_lake_takes_no_set(lake, put):
    """It keeps no texts and no files."""
    told = lake.manifest.model_copy(update={"private": True})
    private = Snapshot(lake.layout, told)

    with pytest.raises(ConfigError, match="is private"):
        import_qrels(private, put("a.csv", "query,item\nred,media/red-1\n"))
    with pytest.raises(ConfigError, match="is private"):
        import_pairs(private, put("b.csv", "zh,en\n一,one\n"))


def test_the_card_counts_and_names_the_rows(lake, put):
    """Equal imports have equal fingerprints, whatever they are called."""
    path = put("a.csv", "query,item\nred,media/red-1\nred,media/pink-1\n")
    one, two = (import_qrels(lake, path).card(name) for name in ("one", "two"))

    assert (one.name, one.queries, one.judged) == ("one", 1, 2)
    assert one.fingerprint == two.fingerprint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"query,item\nred,{'9' * 5000}\n", "line 2: 9999"),
        (f"query,item,grade\nred,media/red-1,{'9' * 5000}\n", "is too large"),
        ("query,item,modality\na\0b.png,media/red-1,image\n", "line 2: there is no file"),
        (f"query,item,modality\n{'a' * 300}.png,media/red-1,image\n", "line 2: there is no file"),
        ("query,item,modality\nloop.png,media/red-1,image\n", "line 2: there is no file"),
        ("query,item,modality\n../out.png,media/red-1,image\n", "does not lie in"),
        ("query,item,modality\nlink.png,media/red-1,image\n", "does not lie in"),
        ("query,item\nred,\x1b[31mnope\n", "line 2: \ufffd[31mnope;"),
        (f"query,{'x' * 140_000},item\n", "line 1: field larger"),
        (f"query,item\nred,media/red-1\n{'x' * 140_000},media/red-1\n", "line 3: field larger"),
    ],
)  # fmt: skip
def test_an_odd_csv_names_its_line_shortly(lake, tmp_path, text, says):
    """Numbers that Python makes no number of, names that no file can have, files elsewhere."""
    media.png(tmp_path / "out.png", Image.new("RGB", (4, 4), "red"))
    folder = tmp_path / "asked"
    folder.mkdir()
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    (folder / "a.csv").write_text(text, encoding="utf-8")
    before = csv.field_size_limit(131_072)  # of the whole process, and others may have raised it

    try:
        with pytest.raises(ConfigError) as error:
            import_qrels(lake, folder / "a.csv")
    finally:
        csv.field_size_limit(before)

    assert says in str(error.value)
    assert len(str(error.value)) < 600


def test_a_file_below_the_csv_is_beside_it(lake, put, tmp_path):
    """Also through a link of its folder."""
    media.png(tmp_path / "below" / "asked.png", Image.new("RGB", (4, 4), "red"))
    path = put("a.csv", "query,item,modality\nbelow/asked.png,media/red-1,image\n")
    (tmp_path / "link").symlink_to(tmp_path)

    assert len(import_qrels(lake, path).media) == 1
    assert len(import_qrels(lake, tmp_path / "link" / "a.csv").media) == 1
