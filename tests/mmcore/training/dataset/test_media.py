import pickle  # noqa: TID251 - worker processes get a dataset so

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmcore.errors import ConfigError, NothingToLearnError
from mmcore.training.dataset.items import Caption
from mmcore.training.dataset.media import MultiModalDataset
from mmcore.training.dataset.spec import DatasetSpec
from tests import media, plain

SMALL = DatasetSpec(side=8, seconds=0.5, validation=0)


@pytest.fixture
def root(tmp_path):
    """Three items with all, one with a picture, one with a text, one with a sound."""
    words = ["A cat.", "A dog.", "A cow."]
    files = plain.numbered("train/animals", words, sound=0.25)
    files |= {"train/things/image_8.png": 8, "train/things/text_9.txt": "一个杯子。"}
    return plain.write(tmp_path, files | {"train/audio_7.wav": 0.25})


def shout(example):
    """A transform that a worker process can be sent."""
    return example | {"text": example["text"].upper()}


def same(one, other) -> bool:
    """Whether two examples, or batches, are equal in all."""
    return one.keys() == other.keys() and all(
        torch.equal(one[k], other[k]) if torch.is_tensor(one[k]) else one[k] == other[k]
        for k in one
    )


def test_an_example_has_what_its_item_has(root):
    """Tensors of one shape, in their ranges, and what is there is told."""
    dataset = MultiModalDataset(root, "train", SMALL)
    example = dataset[dataset.keys.index("train/animals/1")]

    assert example["image"].shape == (3, 8, 8)
    assert example["image"].dtype == torch.float32
    assert 0 <= example["image"].min() < example["image"].max() <= 1
    assert example["audio"].shape == (8000,)
    assert example["audio"].dtype == torch.float32
    assert example["audio_samples"] == 4000
    assert (example["text"], example["language"]) == ("A cat.", "en")
    assert dataset.classes[example["label"]] == "animals"
    assert example["has"].tolist() == [True, True, True]
    assert example["item"].dtype == torch.int64


def test_what_an_item_has_not_is_nothing(root):
    """Zeros, an empty text, no label: and the mask says so."""
    dataset = MultiModalDataset(root, "train", SMALL)
    sound = dataset[dataset.keys.index("train/7")]
    text = dataset[dataset.keys.index("train/things/9")]

    assert sound["has"].tolist() == [False, False, True]
    assert not sound["image"].any()
    assert (sound["text"], sound["language"], sound["label"]) == ("", "", -1)
    assert text["has"].tolist() == [False, True, False]
    assert not text["audio"].any()
    assert (text["audio_samples"], text["language"]) == (0, "zh")


def test_what_is_known_before_decoding_is_what_examples_say(root):
    """Labels, presence and items of a dataset are those of its examples, in order."""
    dataset = MultiModalDataset(root, "train", SMALL)
    examples = [dataset[place] for place in range(len(dataset))]

    assert len(dataset) == 6
    assert dataset.labels.tolist() == [example["label"] for example in examples]
    assert dataset.has.tolist() == [example["has"].tolist() for example in examples]
    assert dataset.classes == ("animals", "things")
    assert dataset.caption_keys.count("") == 2
    assert (Caption("A cat.", "en"),) in dataset.texts
    with pytest.raises(IndexError):
        dataset[6]


def test_batches_are_collated_by_torch(root):
    """A DataLoader needs no function of its own."""
    dataset = MultiModalDataset(root, "train", SMALL)
    batch = next(iter(DataLoader(dataset, batch_size=6)))

    assert batch["image"].shape == (6, 3, 8, 8)
    assert batch["audio"].shape == (6, 8000)
    assert batch["has"].dtype == torch.bool
    assert batch["label"].dtype == torch.int64
    assert sorted(batch["text"])[:2] == ["", ""]
    assert [tensor.item() for tensor in batch["item"]] == [i.item_id for i in dataset.items]


def test_training_sees_another_caption_and_another_part_each_epoch(tmp_path):
    """Seed, epoch and item decide which; any other split always sees the first."""
    files = {"train/image_1.png": 1, "train/audio_1.wav": 3.0}
    files |= {f"train/text_1.{lang}.txt": lang * 3 for lang in ("en", "zh")}
    plain.write(tmp_path / "a", files)
    tried = {name.replace("train", "test"): what for name, what in files.items()}
    plain.write(tmp_path / "b", tried)
    train = MultiModalDataset(tmp_path / "a", "train", SMALL)
    test = MultiModalDataset(tmp_path / "b", "test", SMALL)
    seen, heard = [], []
    for epoch in range(12):
        train.set_epoch(epoch)
        test.set_epoch(epoch)
        seen.append(train[0]["text"])
        heard.append(train[0]["audio"][:50].numpy().tobytes())
        assert same(train[0], train[0])
        assert test[0]["text"] == "enenen"
        assert test[0]["audio"][:9].numpy() == pytest.approx(
            media.tone(1, hertz=210.0)[:9], abs=1e-3
        )

    assert set(seen) == {"enenen", "zhzhzh"}
    assert len(set(heard)) > 6
    again = MultiModalDataset(tmp_path / "a", "train", SMALL)
    again.set_epoch(5)
    train.set_epoch(5)
    assert same(again[0], train[0])


def test_another_seed_draws_otherwise(tmp_path):
    """Of equal epochs, seeds see different parts of a sound."""
    plain.write(tmp_path, {"train/audio_1.wav": 3.0})
    sounds = {
        MultiModalDataset(tmp_path, "train", SMALL.model_copy(update={"seed": seed}))[0]["audio"]
        .numpy()
        .tobytes()
        for seed in range(4)
    }

    assert len(sounds) == 4


def test_an_unreadable_file_is_absent_and_counted(root):
    """A broken picture takes nothing away but itself."""
    path = root / "train/animals/image_2.png"
    path.write_bytes(path.read_bytes()[:60])
    dataset = MultiModalDataset(root, "train", SMALL)
    place = dataset.keys.index("train/animals/2")
    assert dataset.has[place].all()
    dataset[0]

    example = dataset[place]
    dataset[place]
    assert example["has"].tolist() == [False, True, True]
    assert not example["image"].any()
    assert dataset.counts()["unreadable"] == {"text": 0, "other": 0, "image": 1, "audio": 0}


def test_when_no_file_can_be_read_there_is_no_going_on(tmp_path):
    """All pictures broken is an error, not hours of training on zeros."""
    plain.write(tmp_path, plain.numbered("train", ["A cat.", "A dog.", "A cow."]))
    dataset = MultiModalDataset(tmp_path, "train", SMALL)
    for path in tmp_path.rglob("*.png"):
        path.unlink()

    with pytest.raises(NothingToLearnError, match="none of 3 picture files could be read"):
        [dataset[place] for place in range(3)]


def test_a_transform_has_the_last_word(root):
    """It gets the whole example, and its answer is the dataset's."""
    dataset = MultiModalDataset(root, "train", SMALL, transform=shout)

    assert dataset[dataset.keys.index("train/animals/1")]["text"] == "A CAT."


def test_another_split_of_the_same_source_is_not_listed_again(tmp_path):
    """``of`` gives what a dataset of its own would, also where the folder has gone by then."""
    files = plain.numbered("train", ["A cat.", "A dog."]) | plain.numbered("test", ["A cow."])
    plain.write(tmp_path / "media", files)
    train = MultiModalDataset(tmp_path / "media", "train", SMALL)
    apart = MultiModalDataset(tmp_path / "media", "test", SMALL)
    (tmp_path / "media").rename(tmp_path / "away")
    test = train.of("test", transform=shout)

    assert test.keys == apart.keys == ("test/1",)
    assert test.counts() == apart.counts()
    assert test.spec == SMALL
    assert test.transform is shout
    assert train.transform is None


def test_an_unknown_split_is_refused(root):
    """The splits that there are, are named; those of every set may be empty."""
    assert len(MultiModalDataset(root, "val", SMALL)) == 0
    with pytest.raises(ConfigError, match="there is no split 'third': there are test, train"):
        MultiModalDataset(root, "third", SMALL)


def test_a_dataset_can_be_sent_to_another_process(root):
    """What is kept of decoded media stays behind; all else is there."""
    dataset = MultiModalDataset(root, "train", SMALL, transform=shout)
    first = dataset[0]
    sent = pickle.loads(pickle.dumps(dataset))

    assert sent._decoder is None
    assert dataset._decoder is not None
    assert same(sent[0], first)
    assert np.array_equal(sent.labels, dataset.labels)


def loaded(dataset, **options):
    """The batches of two epochs, by two worker processes."""
    with_workers = DataLoader(dataset, batch_size=2, num_workers=2, timeout=60, **options)
    for epoch in range(2):
        dataset.set_epoch(epoch)
        yield list(with_workers)


@pytest.mark.parametrize("how", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_worker_processes_read_what_one_process_reads(tmp_path, how):
    """Workers that stay see the epoch change, and tell what they could not read."""
    words = ["A cat.", "A dog.", "A cow.", "A hen."]
    plain.write(tmp_path, plain.numbered("train", words, sound=1.5))
    (tmp_path / "train/image_3.png").write_bytes(media.png(tmp_path / "x.png").read_bytes()[:60])
    (tmp_path / "x.png").unlink()
    dataset, alone = (MultiModalDataset(tmp_path, "train", SMALL) for _ in range(2))
    found = list(loaded(dataset, multiprocessing_context=how, persistent_workers=True))

    for epoch, batches in enumerate(found):
        alone.set_epoch(epoch)
        for batch, expected in zip(batches, DataLoader(alone, batch_size=2), strict=True):
            assert same(batch, expected)
    assert not torch.equal(found[0][0]["audio"], found[1][0]["audio"])
    assert dataset.counts()["unreadable"]["image"] == 1


@pytest.mark.slow
def test_a_folder_in_a_store_is_read_too(s3, tmp_path):
    """Objects are fetched as they are asked for; one that has gone by then is absent."""
    import s3fs

    plain.write(tmp_path, plain.numbered("train", ["A cat.", "A dog."], sound=0.25))
    bucket, store = s3.bucket(), s3fs.S3FileSystem(use_listings_cache=False)
    store.put(str(tmp_path / "train"), f"{bucket}/media/", recursive=True)
    here = MultiModalDataset(tmp_path, "train", SMALL)
    there = MultiModalDataset(f"{bucket}/media", "train", SMALL)

    assert all(same(here[place], there[place]) for place in range(2))
    fresh = MultiModalDataset(f"{bucket}/media", "train", SMALL)
    store.rm(f"{bucket}/media/train/image_1.png")
    assert [fresh[place]["has"].tolist()[0] for place in range(2)] == [False, True]
