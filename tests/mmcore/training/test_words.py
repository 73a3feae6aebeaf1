from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from mmcore.encoders.families.word_folder import read_folder
from mmcore.encoders.families.words import build_word2vec
from mmcore.encoders.weights.folder import folder_of
from mmcore.errors import ConfigError, MissingExtraError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.training import words

GROUPS = {
    "animals": (["dog", "cat", "狗", "猫"], ["barks", "sleeps", "吃", "睡觉"]),
    "vehicles": (["train", "car", "火车", "汽车"], ["drives", "stops", "开走", "停下"]),
}


def corpus(count=3000):
    """Sentences in which an animal does what animals do, and a vehicle what vehicles do."""
    rng = np.random.default_rng(0)
    for number in range(count):
        nouns, verbs = GROUPS[("animals", "vehicles")[number % 2]]
        chosen = [str(rng.choice(nouns)) for _ in range(2)]
        yield f"{chosen[0]} {rng.choice(verbs)}, {chosen[1]} {rng.choice(verbs)}。"


def encoder(folder):
    """The encoder of a folder."""
    return build_word2vec(SegmentationSpec(), RuntimeSpec(models={"word2vec": str(folder)}))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder trained on the corpus."""
    to = tmp_path_factory.mktemp("words") / "mine"
    return words.train(corpus(), to, dim=16, window=3, epochs=10, seed=1, licence="CC0-1.0")


def test_words_that_are_used_alike_are_near(trained):
    """An animal is nearer to each other animal than to any vehicle, across both languages."""
    nouns = [*GROUPS["animals"][0], *GROUPS["vehicles"][0]]
    found = encoder(trained).encode(nouns)
    cosines = found @ found.T
    within = np.minimum(cosines[:4, :4].min(axis=1), cosines[4:, 4:].min(axis=1))
    across = np.maximum(cosines[:4, 4:].max(axis=1), cosines[4:, :4].max(axis=1))

    assert (within > across + 0.2).all()


def test_the_card_says_what_it_was_made_of(trained):
    """Texts, words, seed and library; the licence is read from its README."""
    config = json.loads((trained / "config.json").read_text())
    runtime = RuntimeSpec(models={"word2vec": str(trained)})

    assert (config["texts"], config["words"], config["dim"]) == (3000, 16, 16)
    assert (config["seed"], config["epochs"], config["window"]) == (1, 10, 3)
    assert config["occurrences"] == 12_000
    assert config["gensim"]
    assert folder_of("word2vec", None, runtime, ("*.json",)).licence == "CC0-1.0"
    assert encoder(trained).licence == "CC0-1.0"
    assert sorted(path.name for path in trained.parent.iterdir()) == ["mine"]


def test_frequencies_are_kept(trained):
    """Texts are weighed by them: of two words the frequent one counts less."""
    table = read_folder(trained)

    assert table.weights is not None
    assert (np.diff(table.weights) >= 0).all()  # most frequent first


@pytest.mark.slow
def test_the_same_texts_and_seed_give_the_same_vectors(tmp_path):
    """In processes of another hash seed too; another seed gives others."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from mmcore.training.words import train\n"
        "from tests.mmcore.training.test_words import corpus\n"
        "train(corpus(60), Path(sys.argv[1]), dim=8, epochs=2, seed=int(sys.argv[2]))\n"
    )
    found = []
    for run, (hashed, seed) in enumerate([("1", "3"), ("2", "3"), ("2", "4")]):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / str(run)), seed],
            env={**os.environ, "PYTHONHASHSEED": hashed},
            check=True,
            timeout=60,
        )
        raw = (tmp_path / str(run) / "vectors.safetensors").read_bytes()
        found.append(hashlib.sha256(raw).hexdigest())

    assert found[0] == found[1] != found[2]


def test_words_are_in_lower_case_and_simplified(tmp_path):
    """As the encoder looks for them."""
    to = words.train(["A Dog, 汽車"] * 3, tmp_path / "w", dim=4, epochs=1)

    assert set((to / "vocab.txt").read_text("utf-8").split()) == {"a", "dog", "汽车"}


def test_a_long_text_is_read_whole(tmp_path):
    """Gensim cuts a sentence at 10,000 words; all of a longer text counts."""
    to = words.train(["dog " * 25_000], tmp_path / "w", dim=4, epochs=1)

    assert json.loads((to / "config.json").read_text())["occurrences"] == 25_000


def test_what_cannot_be_trained_is_refused(tmp_path, monkeypatch):
    """No frequent word, a folder that is taken, a number that is none, no gensim."""
    with pytest.raises(ConfigError, match="no word occurs 2 times"):
        words.train(["a b c"], tmp_path / "w")
    with pytest.raises(ConfigError, match="nothing can be trained"):
        words.train([], tmp_path / "w")
    with pytest.raises(ConfigError, match="is there already"):
        words.train(corpus(4), tmp_path)
    with pytest.raises(ConfigError, match="one line"):
        words.train(corpus(4), tmp_path / "w", licence="MIT\ntags: [free]")
    with pytest.raises(ConfigError, match="1 or more"):
        words.train(corpus(4), tmp_path / "w", dim=0)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(words, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError) as caught:
        words.train(corpus(4), tmp_path / "w")
    assert caught.value.extra == "words"
