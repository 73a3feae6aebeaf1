"""Tests of mmcore/media/grouping.py, drafts.py and names.py."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.errors import ConfigError, UnknownPluginError
from mmcore.media.crawl import crawl
from mmcore.media.grouping import group, items_of
from mmcore.media.manifest import ManifestRow
from mmcore.media.names import language_of
from mmcore.specs import CrawlSpec, LimitsSpec
from mmcore.types import Source
from storage.schemas import Modality, content_id, item_id
from tests import media
from tests.declared import GROUPINGS, declare
from tests.media import media_file

NAMES = st.lists(
    st.from_regex(r"\A(?:a/|b/)?(?:cat|image_0?1|text_1)(?:\.zh|\.en)?\.(?:jpg|TXT|wav)\Z"),
    max_size=12,
    unique=True,
)


def row(line=2, **fields) -> ManifestRow:
    """A row of manifest.csv."""
    return ManifestRow("manifest.csv", line, **fields)


def grouped(paths, grouping="auto", manifests=None):
    """Item key → paths of its files."""
    items = group([media_file(p) for p in paths], grouping, manifests or {}, "media")
    return {item.key: [file.path for file in item.files] for item in items}


def test_files_with_one_stem_are_an_item():
    """Picture, captions and sound of one stem belong together, folder by folder."""
    paths = ["a/cat.JPG", "a/cat.txt", "a/cat.zh.txt", "a/cat.wav", "b/cat.jpg", "dog.jpg"]

    assert grouped(paths) == {
        "a/cat": ["a/cat.JPG", "a/cat.txt", "a/cat.wav", "a/cat.zh.txt"],
        "b/cat": ["b/cat.jpg"],
        "dog": ["dog.jpg"],
    }


def test_files_with_one_number_are_an_item():
    """image_1, text_1, audio_01 belong together; a camera's IMG_1 is a stem."""
    paths = [
        "image_1.jpg",
        "text_1.txt",
        "text_1.zh.txt",
        "audio_01.wav",
        "IMG_1.jpg",
        "图片1.png",
    ]

    assert grouped(paths) == {
        "1": ["audio_01.wav", "image_1.jpg", "text_1.txt", "text_1.zh.txt", "图片1.png"],
        "IMG_1": ["IMG_1.jpg"],
    }


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("cat.txt", None),
        ("cat.zh.txt", "zh"),
        ("cat.zh-CN.txt", "zh"),
        ("cat.zh_tw.TXT", "zh"),
        ("cat.zh-Hant.txt", "zh"),
        ("cat.cht.txt", "zh"),
        ("cat.en.txt", "en"),
        ("cat.en-GB.txt", "en"),
        ("cat.eng.txt", "en"),
        ("cat.fr.txt", None),
        (".en.txt", None),
        ("en.txt", None),
    ],
)
def test_a_texts_name_tells_its_language(name, language):
    """Known suffixes tell captions apart, whatever their case."""
    ((file,),) = [item.files for item in group([media_file(name)], "auto", {}, "media")]

    assert file.language == language


def test_a_language_suffix_counts_on_texts_alone():
    """cat.en.jpg is a picture of its own stem."""
    assert list(grouped(["cat.en.jpg", "cat.en.txt"])) == ["cat", "cat.en"]


def test_nfc_and_nfd_are_one_key():
    """A picture named by one system and a caption named by another belong together."""
    nfd = unicodedata.normalize("NFD", "café.jpg")

    assert list(grouped([nfd, "café.txt"])) == ["café"]
    assert len(grouped([nfd, "café.txt"])["café"]) == 2


def test_a_name_that_is_no_utf8_has_a_readable_key():
    """Keys can be stored in any table; the path keeps its bytes."""
    (item,) = group([media_file("caf\udce9.jpg")], "auto", {}, "media")

    assert item.key == r"caf\xe9"
    assert item.files[0].path == "caf\udce9.jpg"


def test_the_folder_is_the_label():
    """Without a manifest an item's label is the folder its first file lies in."""
    items = group([media_file("x/birds/owl.jpg"), media_file("cat.jpg")], "auto", {}, "media")

    assert {item.key: item.labels for item in items} == {"cat": (), "x/birds/owl": ("birds",)}


def test_named_groupings_are_plug_ins(monkeypatch, tmp_path):
    """stem, number and folder come from the registry; a key they do not know falls to the stem."""
    declare(monkeypatch, tmp_path, "mmindex.groupings", GROUPINGS)
    paths = ["b/owl/image_1.jpg", "b/owl/text_1.txt", "cat.jpg"]

    assert list(grouped(paths, "stem")) == ["b/owl/image_1", "b/owl/text_1", "cat"]
    assert list(grouped(paths, "number")) == ["b/owl/1", "cat"]
    assert list(grouped(paths, "folder")) == ["b/owl", "cat"]
    (owl, _) = group([media_file(p) for p in paths], "folder", {}, "media")
    assert owl.labels == ("b",)
    with pytest.raises(UnknownPluginError, match="no grouping named 'colour'; known: folder"):
        grouped(paths, "colour")


def test_a_manifest_makes_items():
    """Rows with one item belong together, whatever their names; item ids know root and key."""
    rows = [row(path="x.jpg", item="frog"), row(path="sub/y.wav", item="frog")]
    (item,) = group([media_file("m/x.jpg"), media_file("m/sub/y.wav")], "auto", {"m": rows}, "r")

    assert item.key == "m/frog"
    assert [file.path for file in item.files] == ["m/sub/y.wav", "m/x.jpg"]
    assert item.item_id == item_id("r", "m/frog")


def test_a_file_may_serve_several_items():
    """One sound for two pictures, when a manifest says so; what it does not name goes by stem."""
    rows = [
        row(path=f"{n}.jpg" if kind else "s.wav", item=str(n)) for n in (1, 2) for kind in (0, 1)
    ]

    assert grouped(["1.jpg", "2.jpg", "s.wav", "dog.jpg"], manifests={"": rows}) == {
        "1": ["1.jpg", "s.wav"],
        "2": ["2.jpg", "s.wav"],
        "dog": ["dog.jpg"],
    }


def test_captions_are_texts_of_their_own():
    """A caption is a text with the hash of its words; the same words twice count once."""
    rows = [
        row(path="x.jpg", captions=(("en", "A frog."), ("zh", "青蛙。"))),
        row(path="x.jpg", captions=(("en", "A frog."),)),
        row(path="x.jpg", captions=(("en", "It is green."), (None, "Kwak"))),
    ]
    (item,) = group([media_file("m/x.jpg")], "auto", {"m": rows}, "media")
    captions = {file.path: file for file in item.files if file.text is not None}

    assert {path: file.text for path, file in captions.items()} == {
        "m/manifest.csv#m/x/en": "A frog.",
        "m/manifest.csv#m/x/zh": "青蛙。",
        "m/manifest.csv#m/x/en-2": "It is green.",
        "m/manifest.csv#m/x/caption": "Kwak",
    }
    frog = captions["m/manifest.csv#m/x/en"]
    assert frog.content_id == content_id(b"A frog.")
    assert (frog.modality, frog.language, frog.size) == (Modality.TEXT, "en", 7)


def test_labels_split_and_columns_come_from_the_manifest():
    """Labels add up; a value given first stays; the folder's name is no label then."""
    rows = [
        row(path="x.jpg", labels=("frog",), columns={"year": 1999}),
        row(path="x.jpg", labels=("green",), split="test", columns={"year": 2000, "by": "me"}),
    ]
    (item,) = group([media_file("m/x.jpg")], "auto", {"m": rows}, "media")

    assert item.labels == ("frog", "green")
    assert item.split == "test"
    assert item.columns == {"year": 1999, "by": "me"}


def test_two_splits_of_one_item_are_an_error():
    """An item on both sides of a split would leak."""
    rows = [row(2, path="x.jpg", split="train"), row(3, path="x.jpg", split="test")]

    with pytest.raises(ConfigError, match=r"manifest\.csv, line 3: split 'test'"):
        grouped(["x.jpg"], manifests={"": rows})


def test_a_manifest_gives_a_text_its_language():
    """A row without captions says the language of its file, over what the name says."""
    rows = [row(path="x.en.txt", language="zh")]
    (item,) = group([media_file("x.en.txt")], "auto", {"": rows}, "media")

    assert item.files[0].language == "zh"


def test_a_manifest_in_a_folder_with_a_decomposed_name_finds_its_files(tmp_path):
    """MacOS writes é as e and an accent: the manifest's rows still name the files beside it."""
    folder = tmp_path / unicodedata.normalize("NFD", "café")
    media.png(folder / "cat.png")
    media.text(folder / "manifest.csv", "item,path,caption\nkatze,cat.png,A cat\n")
    source = Source("media", str(tmp_path))

    crawled = crawl(source, CrawlSpec(), LimitsSpec(), {})
    items = items_of(source, crawled, CrawlSpec())

    assert [len(item.files) for item in items] == [2]


def test_a_row_for_a_missing_file_is_said(caplog):
    """A path that was not found is logged with its line; an item's captions stay."""
    rows = [row(5, path="no.jpg"), row(6, path="no.jpg", item="7", captions=((None, "A frog"),))]

    assert grouped(["x.jpg"], manifests={"": rows}) == {
        "7": ["manifest.csv#7/caption"],
        "x": ["x.jpg"],
    }
    assert "manifest.csv, line 5: there is no file no.jpg" in caplog.text


@given(NAMES, st.randoms(use_true_random=False), st.sampled_from(["", "a"]))
@settings(max_examples=50, deadline=None)
def test_every_file_is_in_an_item_whatever_the_order(paths, random, folder):
    """Shuffled files make the same items, and each file is in one of them."""
    manifests = {folder: [row(path="cat.jpg", item="one"), row(path="cat.jpg", item="two")]}
    files = [media_file(path) for path in paths]
    shuffled = random.sample(files, len(files))
    items = group(files, "auto", manifests, "media")

    assert items == group(shuffled, "auto", manifests, "media")
    assert {f.path for item in items for f in item.files} == set(paths)
    assert [item.key for item in items] == sorted({item.key for item in items})
    assert len({item.item_id for item in items}) == len(items)


def test_a_crawled_root_becomes_items(tmp_path):
    """Manifests of the root, and one from outside of it, are read and applied."""
    root = tmp_path / "root"
    media.png(root / "set/a.png")
    media.png(root / "b.png", media.noise())
    media.text(root / "set/manifest.csv", "path,item,caption_zh\na.png,1,青蛙\n")
    outside = media.text(tmp_path / "pairs.jsonl", '{"path": "b.png", "caption": "Noise"}')
    source, spec = Source("media", str(root)), CrawlSpec(manifest=str(outside))
    crawled = crawl(source, spec, LimitsSpec(), {})
    items = items_of(source, crawled, spec)

    assert {item.key: [file.path for file in item.files] for item in items} == {
        "set/1": ["set/a.png", "set/manifest.csv#1/zh"],
        "b": ["b.png", "pairs.jsonl#b/caption"],
    }


def test_unknown_languages_stay():
    """A manifest may name any language."""
    assert [language_of(n) for n in ("ZH_tw", "EN-us", " FR ")] == ["zh", "en", "fr"]


def test_the_language_of_an_earlier_run_is_forgotten():
    """What the lake knew of a file's language counts no more than what its name says now."""
    (item,) = group([replace(media_file("cat.txt"), language="zh")], "auto", {}, "media")

    assert item.files[0].language is None
