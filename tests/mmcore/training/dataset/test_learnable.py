import subprocess
import sys

import pytest

from mmcore.errors import NothingToLearnError
from mmcore.training.dataset.learnable import check_learnable, describe
from mmcore.training.dataset.media import MultiModalDataset
from mmcore.training.dataset.spec import DatasetSpec
from tests import plain

WHOLE = DatasetSpec(validation=0)


def dataset(root, files, split="train"):
    """A split of files that are written now."""
    return MultiModalDataset(plain.write(root, files), split, WHOLE)


def refused(found, *, classes, **options) -> str:
    """What is said of a dataset that nothing can be learnt from."""
    with pytest.raises(NothingToLearnError) as caught:
        check_learnable(found, classes=classes, **options)
    return str(caught.value)


def test_pairs_of_two_classes_can_be_learnt_from(tmp_path):
    """Two pairs of different captions and classes are the least; sounds need not be there."""
    files = plain.numbered("train/a", ["A cat."]) | plain.numbered("train/b", ["A dog."])
    found = dataset(tmp_path, files)

    check_learnable(found, classes=True)
    check_learnable(found, classes=False)
    check_learnable(found, classes=False, modalities=("image", "text"))
    assert "no item of the split 'train' has a sound" in refused(
        found, classes=False, modalities=("audio",)
    )


def test_no_pair_and_one_pair_teach_nothing(tmp_path):
    """What is there, and how files become pairs, is said."""
    none = dataset(
        tmp_path / "none", {"train/a.png": 1, "train/b.png": 2, "train/c.txt": "A cat."}
    )
    one = dataset(tmp_path / "one", plain.numbered("train", ["A cat."]) | {"train/b.png": 2})

    said = refused(none, classes=False)
    assert "no item of the split 'train' has two of picture, text and sound" in said
    assert "2 with a picture, 1 with a text, 0 with a sound" in said
    assert "only one item of the split 'train' has two" in refused(one, classes=False)


def test_pairs_of_one_caption_teach_nothing(tmp_path):
    """Where all captions are equal, no item can be told from another."""
    found = dataset(tmp_path, plain.numbered("train", ["A cat.", "a CAT"]))

    assert "all 2 pairs of the split 'train' have the same caption" in refused(
        found, classes=False
    )


def test_no_class_and_one_class_teach_nothing(tmp_path):
    """It takes labels, and two of them in the split that is trained on."""
    none = dataset(tmp_path / "none", {"train/a.png": 1, "train/b.png": 2})
    files = {"train/cats/a.png": 1, "train/cats/b.png": 2, "test/dogs/c.png": 3}
    one = dataset(tmp_path / "one", files)

    assert "no item of the split 'train' has a label" in refused(none, classes=True)
    assert "all labelled items of the split 'train' are 'cats'" in refused(one, classes=True)


def test_an_empty_split_says_what_there_is(tmp_path):
    """A split without items is told beside those that have some."""
    found = dataset(tmp_path, {"train/a.png": 1, "train/b.png": 2}, "test")

    assert "no item is in the split 'test'; there are: train 2" in refused(found, classes=False)


def test_a_split_that_leaks_as_a_whole_is_told(tmp_path):
    """Where all captions of train are in the test split too, that is the reason."""
    files = plain.numbered("train", ["A cat.", "A dog."]) | plain.numbered(
        "test", ["A dog", "a cat"]
    )

    assert "all 2 items of the split 'train' have a caption, a picture" in refused(
        dataset(tmp_path, files), classes=False
    )


def test_a_folder_without_media_is_told(tmp_path):
    """Files that are none of ours leave nothing to learn from."""
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.bin").write_bytes(b"\x01\x02 nothing known")
    found = MultiModalDataset(tmp_path, None, WHOLE)

    said = refused(found, classes=False)
    assert "no item has a picture, a text or a sound" in said
    assert "1 could not be read" in said


def test_a_modality_that_was_lost_is_told(tmp_path):
    """Where all texts are broken, that is said, and not that there are no pairs."""
    files = {"train/a.png": 1, "train/a.txt": " ", "train/b.png": 2, "train/b.txt": "  "}

    said = refused(dataset(tmp_path, files), classes=False)
    assert "no item of the split 'train' has a text that can be read" in said
    assert "2 could not be read" in said


def test_describing_counts_what_a_dataset_has(tmp_path):
    """What is said before any work is what the dataset then says."""
    files = plain.numbered("train", ["A cat.", "A dog."], sound=0.1)
    counts = describe(plain.write(tmp_path, files), WHOLE)

    whole = MultiModalDataset(tmp_path, None, WHOLE).counts()
    whole["unreadable"] = {
        kind: count for kind, count in whole["unreadable"].items() if kind in counts["unreadable"]
    }
    assert counts == whole


@pytest.mark.slow
def test_describing_loads_no_torch(tmp_path):
    """A check before any work is quick."""
    plain.write(tmp_path, plain.numbered("train", ["A cat.", "A dog."], sound=0.1))
    code = (
        "import sys; from mmcore.training.dataset.learnable import describe;"
        f" describe({str(tmp_path)!r}); sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
