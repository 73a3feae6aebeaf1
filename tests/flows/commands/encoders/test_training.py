"""`mmindex encoders train`, from texts to a preset that loads what was trained."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mmcore.encoders.presets import encoders_of
from mmcore.specs import RuntimeSpec, SegmentationSpec
from tests import media
from tests.commands import command_line
from tests.lakes import coloured_items, make_lake, towers

pytest.importorskip("gensim")

CUT = SegmentationSpec()
FAST = ("--set", "dim=8", "--set", "epochs=2", "--set", "min_count=1")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command line."""
    return command_line(monkeypatch, capsys)


def vectors(folder, *texts):
    """Of the preset ``word2vec`` with these weights."""
    (encoder,) = encoders_of(f"word2vec:{folder}", CUT, RuntimeSpec(device="cpu"))
    return encoder.encode(list(texts))


def test_words_of_a_lake_are_learnt(run, tmp_path):
    """Its texts, in both languages, give vectors that the preset loads."""
    lake = make_lake(tmp_path, coloured_items(("red", "blue")), towers()).layout.root

    told = run("encoders", "train", "word2vec", "--lake", lake, "--to", tmp_path / "w", *FAST)

    assert told.code == 0, told.err
    assert f"--preset word2vec:{tmp_path / 'w'}" in told.out
    known = vectors(tmp_path / "w", "A red wall.", "红色的墙", "unheard")
    assert known.shape == (3, 9)
    assert known[2, 8] == 1  # no word of it is known
    assert np.abs(known[:2, 8]).max() == 0


def test_words_of_a_folder_are_learnt(run, tmp_path):
    """Text files of any format; one that cannot be read costs itself only."""
    folder = tmp_path / "媒体"
    folder.mkdir()
    (folder / "a.txt").write_text("A fox in the snow.", "utf-8")
    (folder / "b.html").write_text("<p>a <b>lighthouse</b> by the sea</p>", "utf-8")
    (folder / "c.pdf").write_bytes(b"%PDF-1.7 no document")

    told = run("encoders", "train", "word2vec", folder, "--to", tmp_path / "w", *FAST, "--json")

    assert told.code == 0, told.err
    assert json.loads(told.out) == {"kind": "word2vec", "path": str(tmp_path / "w")}
    assert np.abs(vectors(tmp_path / "w", "fox", "lighthouse")[:, 8]).max() == 0


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_sounds_of_a_folder_are_learnt(run, tmp_path, kind):
    """The folder that is written is what the preset of that name loads."""
    for number in range(10):
        media.wav(tmp_path / "media" / f"{number}.wav", 0.4 + number / 50)
    (tmp_path / "media" / "a.txt").write_text("no sound")
    small = ("--set", "hidden=4", "--set", "layers=1", "--set", "epochs=1")

    told = run("encoders", "train", kind, tmp_path / "media", "--to", tmp_path / "w", *small)

    assert told.code == 0, told.err
    assert "epoch 1" in told.err
    (encoder,) = encoders_of(f"{kind}:{tmp_path / 'w'}", CUT, RuntimeSpec(device="cpu"))
    tone = encoder.prepare(np.sin(np.arange(16_000, dtype=np.float32)))
    assert np.linalg.norm(encoder.encode(tone[None])[0]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("word3vec", "."), "known: word2vec, lstm, gru, towers"),
        (("gru", "--lake", "lake"), "learns from sounds"),
        (("gru", ".", "--resume"), "keeps no checkpoints"),
        (("towers", ".", "."), "learn from one folder"),
        (("towers", ".", "--set", "rate=0"), "rate: it has to be greater"),
        (("towers", ".", "--set", "dataset.size=3"), "no setting dataset.size"),
        (("towers", ".", "--set", "rate=1", "--set", "rate.of=2"), "a value of its own"),
        (("towers", "."), "two of picture, text and sound"),
        (("lstm", ".", "--set", "size=3"), "no setting size"),
        (("lstm", ".", "--set", "hidden=0"), "hidden: it has to be greater"),
        (("lstm", ".", "--set", "hidden"), "write NAME=VALUE"),
        (("lstm", "."), "0 sounds to learn from"),
        (("word2vec",), "say what to train on"),
        (("word2vec", ".", "--lake", "lake"), "say what to train on"),
        (("word2vec", ".", "--set", "size=3"), "there are dim, window"),
        (("word2vec", ".", "--set", "dim=wide"), "its usual value is 100"),
        (("word2vec", "--lake", "none"), "mmindex index"),
    ],
)
def test_what_cannot_be_is_one_line(run, tmp_path, monkeypatch, arguments, says):
    """Exit code 2, before any work."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("no sound")

    told = run("encoders", "train", *arguments, "--to", tmp_path / "w")

    assert (told.code, told.err.count("\n")) == (2, 1)
    assert says in told.err
    assert not (tmp_path / "w").exists()
