import pytest

from mmcore.errors import NothingToLearnError
from mmcore.media.manifest import ManifestRow
from mmcore.training.dataset.items import MediaItem
from mmcore.training.dataset.labels import labels_of, refuse_unknown_items, refuse_unknown_rows
from mmcore.training.dataset.spec import DatasetSpec


def item(key: str, place: str, *told: str) -> MediaItem:
    """An item whose first file lies at ``place``."""
    return MediaItem(1, key, place, told=told)


@pytest.mark.parametrize(
    ("key", "place", "label"),
    [
        ("train/cats/1", "train/cats/image_1.png", "cats"),
        ("cats/1", "cats/small/image_1.png", "cats"),
        ("train/1", "train/image_1.png", None),
        ("1", "image_1.png", None),
        ("train/cats/7", "train/cats/7/photo.png", "cats"),
        ("cats", "cats/photo.png", None),
    ],
)
def test_a_label_is_the_first_folder_below_the_split(key, place, label):
    """Neither the split's folder nor the item's own one is a label."""
    assert labels_of([item(key, place)], {"train", "test"}, DatasetSpec()) == (label,)


def test_a_manifest_that_labels_wins_over_folders():
    """Where a manifest gives any label, folders give none, unless asked for."""
    items = [item("a/1", "a/1.png", "dog", "pet"), item("b/2", "b/2.png")]

    assert labels_of(items, (), DatasetSpec()) == ("dog", None)
    assert labels_of(items, (), DatasetSpec(labels="manifest")) == ("dog", None)
    assert labels_of(items, (), DatasetSpec(labels="folder")) == ("a", "b")
    assert labels_of(items, (), DatasetSpec(labels="none")) == (None, None)


def test_a_label_of_an_unknown_file_is_refused():
    """Rows with a label or a split that name no file are an error that names some, and lines."""
    rows = [
        ManifestRow("manifest.csv", 2, path="a.png", labels=("cat",)),
        ManifestRow("manifest.csv", 3, path="b.png", labels=("cat",)),
        ManifestRow("manifest.csv", 4, path="c.png", split="test"),
        ManifestRow("manifest.csv", 5, path="d.png"),  # says nothing that is learnt from
    ]

    refuse_unknown_rows({"x": rows[:1]}, {"x/a.png"})
    with pytest.raises(NothingToLearnError, match=r"x/b\.png \(manifest\.csv, line 3\), x/c\.png"):
        refuse_unknown_rows({"x": rows}, {"x/a.png"})


def test_a_labelled_item_without_files_is_refused():
    """So is an item that a manifest alone knows; of many, three are named."""
    refuse_unknown_items([])
    with pytest.raises(NothingToLearnError, match="a, b, c and 2 more"):
        refuse_unknown_items("abcde")


def test_a_folder_of_one_modality_is_no_label():
    """Items that a manifest makes of a folder of pictures and one of texts have no class by it."""

    def apart(key: str, *paths: str) -> MediaItem:
        files = tuple(("text" if path.endswith(".txt") else "image", path) for path in paths)
        return MediaItem(1, key, paths[0], files=files)

    flat = [apart(n, f"images/{n}.png", f"texts/{n}.txt") for n in "12"]
    deep = [apart(n, f"train/images/{n}/a.png", f"train/texts/{n}/b.txt") for n in "12"]
    mixed = [apart("1", "cat/1.png", "cat/1.txt"), apart("2", "dog/2.png")]

    assert labels_of(flat, (), DatasetSpec()) == (None, None)
    assert labels_of(deep, {"train"}, DatasetSpec()) == ("1", "2")
    assert labels_of(mixed, (), DatasetSpec()) == ("cat", "dog")
