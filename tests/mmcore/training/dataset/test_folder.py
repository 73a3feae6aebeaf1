import pytest

from mmcore.errors import ConfigError, NothingToLearnError, SourceError
from mmcore.training.dataset.folder import folder_media
from mmcore.training.dataset.spec import DatasetSpec
from tests import media, plain


def by_key(root, **settings):
    """What is gathered of a folder, and its items by key."""
    gathered = folder_media(str(root), DatasetSpec(**settings))
    return gathered, {item.key: item for item in gathered.items}


def test_files_of_one_number_are_an_item(tmp_path):
    """Picture, text and sound of one number below one folder belong together."""
    files = plain.numbered("train", ["A cat.", "A dog."], sound=0.1)
    plain.write(tmp_path, files | {"train/text_1.zh.txt": "一只猫。"})
    _, items = by_key(tmp_path)

    assert set(items) == {"train/1", "train/2"}
    assert items["train/1"].has == (True, True, True)
    assert [c.text for c in items["train/1"].captions] == ["A cat.", "一只猫。"]
    assert [c.language for c in items["train/1"].captions] == ["en", "zh"]
    assert items["train/1"].folders == ("train",)


def test_a_manifest_gives_captions_labels_and_splits(tmp_path):
    """Its rows describe files and items as in an indexed folder."""
    table = "path,caption,label,split\na.png,A cat.,pet,test\nb.png,A cup.,,train\n"
    plain.write(tmp_path / "x", {"a.png": 1, "b.png": 2, "manifest.csv": table})
    _, items = by_key(tmp_path)

    assert (items["x/a"].told, items["x/a"].split) == (("pet",), "test")
    assert (items["x/b"].told, items["x/b"].split) == ((), "train")
    assert items["x/a"].caption_key == "cat"


def test_a_manifest_may_lie_elsewhere(tmp_path):
    """The spec names one outside of the folder; one that is not there is a ConfigError."""
    plain.write(tmp_path / "media", {"a.png": 1})
    table = media.text(tmp_path / "table.csv", "path,label\na.png,pet\n")
    _, items = by_key(tmp_path / "media", manifest=str(table))

    assert items["a"].told == ("pet",)
    with pytest.raises(ConfigError, match="no such manifest"):
        by_key(tmp_path / "media", manifest="other.csv")


def test_a_manifest_that_labels_unknown_files_is_refused(tmp_path):
    """A label of what is not there is an error before any work; a broken file is there."""
    table = "path,label\na.png,pet\nlost.png,pet\n"
    plain.write(tmp_path, {"a.png": 1, "manifest.csv": table})

    with pytest.raises(NothingToLearnError, match=r"lost\.png \(manifest\.csv, line 3\)"):
        by_key(tmp_path)
    (tmp_path / "lost.png").write_bytes(b"\x01\x02 no picture")
    gathered, _ = by_key(tmp_path)
    assert gathered.unreadable == {"text": 0, "other": 1}


def test_a_manifest_that_labels_unknown_items_is_refused(tmp_path):
    """So is a label of an item that has neither files nor captions."""
    plain.write(tmp_path, {"image_1.png": 1, "manifest.csv": "item,label\n1,pet\n2,pet\n"})

    with pytest.raises(NothingToLearnError, match="items that are not there: 2;"):
        by_key(tmp_path)


def test_an_empty_text_is_no_text(tmp_path):
    """What cannot be read is left out and counted; an item of nothing else is none."""
    plain.write(tmp_path, {"image_1.png": 1, "text_1.txt": "  \n", "text_2.txt": "   "})
    gathered, items = by_key(tmp_path)

    assert items["1"].has == (True, False, False)
    assert gathered.without == 1
    assert gathered.unreadable == {"text": 2, "other": 0}  # the two have other bytes


def test_another_grouping_may_be_asked_for(tmp_path):
    """With ``folder`` all files of a folder are one item."""
    plain.write(
        tmp_path, {"train/7/photo.png": 1, "train/7/other.png": 2, "train/7/say.txt": "A."}
    )
    _, items = by_key(tmp_path, grouping="folder")

    assert len(items["train/7"].pictures) == 2
    assert items["train/7"].folders == ("train",)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    """A missing or empty folder is told before anything else."""
    with pytest.raises(SourceError):
        by_key(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="no file there"):
        by_key(tmp_path)


def test_ids_do_not_know_where_the_folder_lies(tmp_path):
    """A moved folder has the same items, and so the same draws."""
    ids = []
    for name in ("one", "two"):
        plain.write(tmp_path / name, plain.numbered("train", ["A cat."]))
        ids.append([item.item_id for item in by_key(tmp_path / name)[0].items])

    assert ids[0] == ids[1]
