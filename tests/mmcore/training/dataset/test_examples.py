import shutil

from mmcore.training.dataset.examples import counted, examples_of
from mmcore.training.dataset.spec import DatasetSpec
from tests import plain

WHOLE = DatasetSpec(validation=0)


def test_split_folders_win_over_hashes(tmp_path):
    """What lies in train and test stays there, whatever its captions' hashes say."""
    held, fit = plain.captions(True, 3), plain.captions(False, 3)
    plain.write(tmp_path, plain.numbered("train", held) | plain.numbered("test", fit))
    examples = examples_of(tmp_path, WHOLE)

    assert [examples.items[row].folders for row in examples.of("train")] == [("train",)] * 3
    assert [examples.items[row].folders for row in examples.of("test")] == [("test",)] * 3


def test_without_given_splits_captions_decide(tmp_path):
    """Items are tried on whose captions are held out by hash, as in a lake."""
    held, fit = plain.captions(True, 2), plain.captions(False, 4)
    plain.write(tmp_path, plain.numbered("all", [*held, *fit]))
    examples = examples_of(tmp_path, WHOLE)

    assert {examples.items[row].captions[0].text for row in examples.of("test")} == set(held)
    assert {examples.items[row].captions[0].text for row in examples.of("train")} == set(fit)


def test_a_caption_of_the_test_split_is_not_trained_on(tmp_path):
    """An item of train with a caption that a test item has, in any spelling, is dropped."""
    train, test = ["A red cat.", "A dog.", "A cow."], ["a RED cat", "A hen."]
    plain.write(tmp_path, plain.numbered("train", train) | plain.numbered("test", test))
    examples = examples_of(tmp_path, WHOLE)
    counts = counted(examples, examples.of("train"))

    assert counts["items"] == 2
    assert counts["splits"] == {"train": 2, "validation": 0, "test": 2}
    assert counts["dropped"] == {"train": 1, "validation": 0}
    assert len(examples.of(None)) == 4


def test_a_manifest_split_wins_over_a_folder(tmp_path):
    """The column ``split`` is the user's word on an item."""
    files = plain.numbered("train", ["A cat.", "A dog."]) | plain.numbered("test", ["A cow."])
    table = "path,split\nimage_1.png,test\n"
    plain.write(tmp_path, files | {"train/manifest.csv": table})
    examples = examples_of(tmp_path, WHOLE)

    assert {examples.items[row].key for row in examples.of("test")} == {"train/1", "test/1"}


def test_counts_tell_labels_and_modalities(tmp_path):
    """Labels are counted by name, those of other splits are there with 0."""
    files = plain.numbered("train/cats", ["A cat."], sound=0.1)
    files |= {"train/cats/image_9.png": 9, "test/dogs/image_1.png": 1, "test/image_5.png": 5}
    plain.write(tmp_path, files)
    examples = examples_of(tmp_path, WHOLE)

    counts = counted(examples, examples.of("train"))
    assert counts["labels"] == {"cats": 2, "dogs": 0}
    assert counts["modalities"] == {"image": 2, "text": 1, "audio": 1}
    assert counts["pairs"] == 1
    assert counted(examples, examples.of("test"))["unlabelled"] == 1
    assert examples.classes == ("cats", "dogs")


def test_a_picture_of_the_test_split_is_not_trained_on(tmp_path):
    """Equal files under other captions are on one side of a split, the second of an item too."""
    files = plain.numbered("train", ["A cat.", "A dog.", "A cow."])
    files |= plain.numbered("test", ["A hen.", "A bee."], sound=0.1)
    plain.write(tmp_path, files)
    shutil.copy(tmp_path / "test/image_1.png", tmp_path / "train/image_1.png")
    shutil.copy(tmp_path / "test/audio_2.wav", tmp_path / "train/audio_3.wav")
    examples = examples_of(tmp_path, WHOLE)

    assert [examples.items[row].key for row in examples.of("train")] == ["train/2"]
    assert examples.dropped == {"train": 2, "validation": 0}


def test_folders_by_modality_are_no_classes(tmp_path):
    """Where pictures and texts lie apart, the folders below name the classes."""
    files = {f"images/{label}/{n}.png": n for n, label in enumerate(("cat", "dog"))}
    files |= {f"texts/{label}/{n}.txt": f"A {label}." for n, label in enumerate(("cat", "dog"))}
    plain.write(tmp_path / "deep", files)
    plain.write(tmp_path / "flat", {"images/1.png": 1, "texts/1.txt": "A cat."})

    assert examples_of(tmp_path / "deep", WHOLE).classes == ("cat", "dog")
    assert examples_of(tmp_path / "flat", WHOLE).classes == ()


def test_classes_of_one_modality_are_classes(tmp_path):
    """Pictures alone, sorted by what they show, are labelled by folders."""
    plain.write(tmp_path, {"cat/1.png": 1, "dog/2.png": 2})

    assert examples_of(tmp_path, WHOLE).classes == ("cat", "dog")
