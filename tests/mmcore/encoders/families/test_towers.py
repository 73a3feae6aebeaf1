"""The preset `towers`: words, the network's rows, and that what encodes is what was trained."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from mmcore.encoders.families.towers import build_audio, build_frames, build_image, build_text
from mmcore.encoders.families.towers_folder import read_config, read_network, read_vocabulary
from mmcore.encoders.families.towers_network import Inputs, SoundTower
from mmcore.encoders.families.towers_words import FIRST, UNKNOWN, Vocabulary, told_words
from mmcore.encoders.presets import encoders_of
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.training.dataset.media import MultiModalDataset
from mmcore.training.dataset.spec import DatasetSpec
from mmcore.training.towers.batches import collated
from tests import media
from tests.checkpoints import checkpoint
from tests.media import tone

CUT = SegmentationSpec()


def runtime(folder=None):
    """Loads the small checkpoint, or a folder."""
    return RuntimeSpec(device="cpu", models={"towers": str(folder or checkpoint("towers"))})


@pytest.fixture
def copied(tmp_path):
    """A copy of the small checkpoint, to be broken."""
    return shutil.copytree(checkpoint("towers"), tmp_path / "towers")


def test_words_are_those_of_word2vec():
    """Jieba's, simplified, in lower case, without punctuation."""
    assert told_words("A Red FROG, 紅色的青蛙！") == ["a", "red", "frog", "红色", "的", "青蛙"]


def test_the_vocabulary_is_of_the_most_frequent_words():
    """By frequency, then by letters; rare ones are unknown, and an empty text has one word."""
    texts = ["red frog", "red toad", "red frog", "a toad"]
    vocabulary = Vocabulary.of(texts, size=2, least=2)

    assert vocabulary.words == ("red", "frog")
    assert vocabulary.numbers("red toad") == [FIRST, UNKNOWN]
    assert vocabulary.numbers("") == [UNKNOWN]
    assert set(vocabulary.numbers("!!")) == {UNKNOWN}
    assert len(vocabulary) == 4


def test_a_rare_chinese_word_is_read_by_its_characters():
    """青蛙 and 青草 occur once each: 青 occurs twice, and 青山 is read by it."""
    vocabulary = Vocabulary.of(["青蛙", "青草"], size=10, least=2)

    assert vocabulary.words == ("青",)
    assert vocabulary.numbers("青山") == [FIRST]


def test_a_vocabulary_is_read_as_it_was_written(tmp_path):
    """ConfigError where words are missing."""
    made = Vocabulary(("red", "青蛙"))
    made.write(tmp_path / "vocab.txt")

    assert Vocabulary.read(tmp_path / "vocab.txt", 2) == made
    with pytest.raises(ConfigError, match="has 2 words, the weights are of 3"):
        Vocabulary.read(tmp_path / "vocab.txt", 3)


def test_what_is_behind_the_end_of_a_sound_is_not_heard():
    """Filled up with anything, and in any batch, a sound has the features that it has alone."""
    torch.manual_seed(0)
    tower = SoundTower((32, 16), 8).eval()
    short = torch.from_numpy(tone(0.3))
    batch = torch.full((2, 9600), 7.0)
    batch[0, : len(short)], batch[1] = short, torch.from_numpy(tone(0.6, hertz=900))
    with torch.inference_mode():
        alone = tower(short[None], torch.tensor([len(short)]))
        together = tower(batch, torch.tensor([len(short), 9600]))

    np.testing.assert_allclose(together[0], alone[0], atol=1e-5)


def test_the_first_filters_hear_pitch_whatever_the_phase():
    """A tone lights the band of its pitch alike, wherever it begins."""
    tower = SoundTower((64, 16), 8)
    low, high, shifted = tone(0.5, hertz=400), tone(0.5, hertz=3000), tone(0.6, hertz=400)[937:]
    lengths = torch.tensor([len(low)])

    def loudest(samples):
        powers, _ = tower._powers(torch.from_numpy(samples[: len(low)])[None], lengths)
        return powers.mean(dim=1)[0].argmax().item(), powers.amax().item()

    assert loudest(low)[0] < loudest(high)[0]
    assert loudest(low)[0] == loudest(shifted)[0]
    assert loudest(low)[1] == pytest.approx(loudest(shifted)[1], abs=0.1)


def test_a_batch_without_a_modality_is_classified():
    """Where nothing has a sound, the learnt vector stands for it: no row is NaN."""
    config = read_config(checkpoint("towers"))
    network = read_network(checkpoint("towers"), config)
    has = torch.tensor([[True, False, False], [False, True, False], [False, False, False]])
    inputs = Inputs(
        pixels=torch.rand(3, 3, 32, 32),
        words=torch.full((3, 2), UNKNOWN),
        word_counts=torch.full((3,), 2),
        samples=torch.zeros(3, 1),
        sample_counts=torch.zeros(3, dtype=torch.int64),
        has=has,
    )
    features = network.features(inputs)
    logits = network.logits(network.together(features, has))

    assert {name: len(rows) for name, rows in features.items()} == {"image": 1, "text": 1}
    assert logits.shape == (3, 2)
    assert torch.isfinite(logits).all()


def test_all_four_share_a_space_of_the_weights(copied):
    """Its name has the digest of the weights; a copy elsewhere is the same space."""
    encoders = encoders_of(f"towers:{checkpoint('towers')}", CUT, RuntimeSpec(device="cpu"))
    (space,) = {one.key.space for one in encoders}

    assert [one.key.name for one in encoders] == [
        *("towers-text", "towers-image", "towers-frames", "towers-audio"),
    ]
    assert space.startswith("towers-")
    assert build_text(CUT, runtime(copied)).key == encoders[0].key
    (copied / "vocab.txt").write_text("\n".join("abcdefghijklmnopqrstuvwxy"), "utf-8")
    assert build_image(CUT, runtime(copied)).key.space != space


def test_notes_beside_the_weights_change_no_key(copied):
    """Curves and cards are for people."""
    before = build_audio(CUT, runtime(copied)).key
    (copied / "history.json").write_text("[]")
    (copied / "README.md").write_text("another card")

    assert build_audio(CUT, runtime(copied)).key == before


def test_what_encodes_is_what_was_trained(tmp_path):
    """Picture, text and sound of an item have the vectors that the training gives them."""
    image = Image.effect_noise((50, 80), 90).convert("RGB")
    media.png(tmp_path / "train" / "a" / "image_1.png", image)
    media.text(tmp_path / "train" / "a" / "text_1.txt", "A frog in the rain, 青蛙在雨里。")
    media.wav(tmp_path / "train" / "a" / "audio_1.wav", 0.5)
    folder = checkpoint("towers")
    config = read_config(folder)
    network = read_network(folder, config)
    dataset = MultiModalDataset(
        tmp_path, None, DatasetSpec(side=config.side, seconds=1.0, grouping="number")
    )
    (place,) = (n for n in range(len(dataset)) if dataset.has[n].all())
    batch = collated(
        [(place, dataset[place])],
        groups=np.zeros(len(dataset), dtype=np.int64),
        vocabulary=read_vocabulary(folder, config),
        longest=config.longest,
    )
    with torch.inference_mode():
        features = network.features(batch.inputs)
        trained = {name: network.vectors(name, rows)[0] for name, rows in features.items()}

    asked = {
        "image": build_image(CUT, runtime()).encode_query(image),
        "text": build_text(CUT, runtime()).encode_query(dataset.texts[place][0].text),
        "audio": build_audio(CUT, runtime()).encode_query(tone(0.5)),
    }
    frames = build_frames(CUT, runtime()).encode_query(image)
    for name, vector in asked.items():
        np.testing.assert_allclose(vector, trained[name], atol=1e-3)  # a file has 16 bits
    np.testing.assert_array_equal(frames, asked["image"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"architecture": "lstm"}, "architecture"),
        ({"dim": 0}, "dim"),
        ({"sounds": [8]}, "sounds"),
        ({"rate": 8000}, "rate"),
        ({"more": 1}, "more"),
    ],
)
def test_another_configuration_is_refused(copied, change, says):
    """ConfigError names the file and what is wrong."""
    told = json.loads((copied / "config.json").read_text("utf-8"))
    (copied / "config.json").write_text(json.dumps({**told, **change}), "utf-8")

    with pytest.raises(ConfigError, match=rf"config\.json: {says}"):
        build_text(CUT, runtime(copied))


def test_a_configuration_that_is_no_json_is_refused(copied):
    """ConfigError as well."""
    (copied / "config.json").write_text("{", "utf-8")

    with pytest.raises(ConfigError, match="is not of three towers"):
        build_text(CUT, runtime(copied))


def test_weights_of_another_network_are_refused(copied):
    """ConfigError when they are loaded, in one line."""
    told = json.loads((copied / "config.json").read_text("utf-8"))
    (copied / "config.json").write_text(json.dumps({**told, "hidden": 11}), "utf-8")

    with pytest.raises(ConfigError, match="of another network"):
        build_text(CUT, runtime(copied)).encode(["a frog"])


def test_a_vocabulary_of_another_length_is_refused(copied):
    """ConfigError when it is loaded."""
    (copied / "vocab.txt").write_text("one\n", "utf-8")

    with pytest.raises(ConfigError, match="has 1 words"):
        build_text(CUT, runtime(copied)).encode(["a frog"])


def test_a_pickle_is_not_opened(copied):
    """What to do is said."""
    (copied / "model.safetensors").unlink()
    (copied / "model.pt").write_bytes(b"\x80\x04")

    with pytest.raises(UnsafeWeightsError, match="mmindex encoders convert"):
        build_image(CUT, runtime(copied))


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """With the command that makes one."""
    with pytest.raises(MissingWeightsError, match="mmindex encoders train towers"):
        build_text(CUT, runtime(tmp_path / "none"))


def test_longer_sounds_than_a_window_are_refused():
    """As of every encoder of sounds."""
    encoder = build_audio(SegmentationSpec(audio_window=1.0), runtime())

    with pytest.raises(ConfigError, match="as long as the longest window"):
        encoder.prepare(tone(1.5))


def test_a_long_text_is_the_mean_of_its_windows():
    """Sixteen words are read at once; what is behind them counts as well."""
    encoder = build_text(CUT, runtime())
    long = "frog train noon dog " * 5

    assert encoder.most == 16
    assert not np.allclose(encoder.encode([long])[0], encoder.encode([long[:80]])[0])


def test_dictionaries_change_the_words_that_are_read(tmp_path):
    """The lake's dictionaries are jieba's, as of word2vec, and the key says so."""
    path = tmp_path / "words.txt"
    path.write_text("青蛙火车 1000\n", "utf-8")
    taught = SegmentationSpec(text_dictionaries=(str(path),))
    one, other = build_text(CUT, runtime()), build_text(taught, runtime())

    assert one.key.fingerprint != other.key.fingerprint
    vocabulary = Vocabulary(("青蛙火车",), (str(path),))
    assert vocabulary.numbers("青蛙火车") == [FIRST]
    assert replace(vocabulary, dictionaries=()).numbers("青蛙火车") == [UNKNOWN, UNKNOWN]
