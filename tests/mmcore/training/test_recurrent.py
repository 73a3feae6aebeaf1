from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from mmcore.encoders.families.recurrent import build_gru, build_lstm
from mmcore.encoders.families.recurrent_network import Recurrent
from mmcore.errors import ConfigError
from mmcore.media.sounds.features import log_mel
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.training.recurrent import RecurrentSpec, train, train_recurrent
from tests.made.sounds import wav_bytes
from tests.media import picture, png
from tests.threads import one_thread

BUILD = {"lstm": build_lstm, "gru": build_gru}
QUICK = RecurrentSpec(hidden=16, layers=1, epochs=2, device="cpu", licence="CC0-1.0")
SECONDS = 0.8


def band(rng, count):
    """Noise around a random frequency."""
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    hertz = np.fft.rfftfreq(count, 1 / 16_000)
    centre = rng.uniform(400, 5000)
    spectrum *= np.exp(-(((hertz - centre) / (centre * rng.uniform(0.1, 0.4))) ** 2))
    samples = np.fft.irfft(spectrum, count)
    return samples / samples.std()


def voice(number, rng):
    """A tone with partials, steady noise or beating noise, of random pitch and loudness."""
    time = np.arange(round(SECONDS * 16_000)) / 16_000
    if number % 3 == 0:
        hertz = rng.uniform(150, 800)
        samples = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 6))
    else:
        samples = band(rng, len(time))
    if number % 3 == 2:
        samples = samples * (np.sin(2 * np.pi * rng.uniform(4, 9) * time) > 0)
    floor = rng.normal(0, 5e-4, len(time))
    return (rng.uniform(0.02, 0.3) * samples + floor).astype(np.float32)


def voices(count, seed):
    """So many sounds, the kinds in turn."""
    rng = np.random.default_rng(seed)
    return [voice(number, rng) for number in range(count)]


def neighbours(kind, folder, sounds):
    """Share of the three nearest that are of a sound's own kind."""
    runtime = RuntimeSpec(device="cpu", models={kind: str(folder)})
    encoder = BUILD[kind](SegmentationSpec(audio_window=SECONDS), runtime)
    rows = encoder.encode(np.stack([encoder.prepare(one) for one in sounds]))
    scores = rows @ rows.T
    np.fill_diagonal(scores, -1)
    kinds = np.arange(len(sounds)) % 3
    nearest = np.argsort(-scores, axis=1)[:, :3]
    return float((kinds[nearest] == kinds[:, None]).mean())


@pytest.fixture(autouse=True)
def _one_thread():
    """So small a network is slower on two."""
    with one_thread():
        yield


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_what_was_learnt_tells_kinds_of_sounds_apart(kind, tmp_path):
    """Of new sounds, far more neighbours are of the same kind than the third that chance gives.

    What comes 30 ms later is foreseen better than by the mean of each band, too.
    """
    spec = RecurrentSpec(hidden=32, layers=1, epochs=12, rate=5e-3, device="cpu")
    folder = train_recurrent(voices(60, 1), kind, tmp_path / kind, spec)
    network = Recurrent(kind, 64, 32, 1)
    network.load_state_dict(load_file(folder / "model.safetensors"))
    frames = torch.from_numpy(np.stack([log_mel(one).T for one in voices(12, 2)]))
    with torch.no_grad():
        scaled = network.scaled(frames)
        foreseen = network.ahead(network.states(scaled[:, :-3]))
    came = scaled[:, 3:]

    assert neighbours(kind, folder, voices(45, 3)) > 0.7
    assert (foreseen - came).abs().mean() < 0.9 * came.abs().mean()


def test_the_same_seed_gives_the_same_weights(tmp_path):
    """To the bit, whatever torch's own chance is at; another seed gives others."""
    first = train_recurrent(voices(12, 1), "lstm", tmp_path / "a", QUICK)
    torch.rand(3)
    second = train_recurrent(voices(12, 1), "lstm", tmp_path / "b", QUICK)
    other = QUICK.model_copy(update={"seed": 1})
    third = train_recurrent(voices(12, 1), "lstm", tmp_path / "c", other)

    read = [(one / "model.safetensors").read_bytes() for one in (first, second, third)]
    assert read[0] == read[1] != read[2]
    assert (first / "config.json").read_bytes() == (second / "config.json").read_bytes()


def test_the_folder_says_how_it_was_made(tmp_path):
    """Counts, losses and seed; the card has the licence, which the encoder tells."""
    told = []
    folder = train_recurrent(
        iter(voices(20, 1)), "gru", tmp_path / "new" / "gru", QUICK, progress=told.append
    )
    config = json.loads((folder / "config.json").read_text())
    training = config["training"]

    assert sorted(one.name for one in folder.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    assert (config["architecture"], config["hidden"], config["layers"]) == ("gru", 16, 1)
    assert (training["sounds"], training["sounds_held_out"], training["seconds"]) == (18, 2, 16.0)
    assert (training["seed"], training["ahead"]) == (0, 3)
    assert [one["number"] for one in training["losses"]] == [one.number for one in told] == [1, 2]
    assert told[1].held_out < told[0].held_out
    runtime = RuntimeSpec(device="cpu", models={"gru": str(folder)})
    assert build_gru(SegmentationSpec(), runtime).licence == "CC0-1.0"


def test_training_ends_when_held_out_sounds_gain_nothing(tmp_path):
    """A rate that is far too high: the best epoch's weights stay, few epochs are done."""
    spec = QUICK.model_copy(update={"epochs": 50, "patience": 2, "rate": 0.5})
    folder = train_recurrent(voices(12, 1), "lstm", tmp_path / "a", spec)
    losses = json.loads((folder / "config.json").read_text())["training"]["losses"]
    best = int(np.argmin([one["held_out"] for one in losses]))

    assert len(losses) == best + 1 + 2 < 50


def test_files_are_read_by_the_projects_decoder(tmp_path):
    """Sounds among the files are cut into windows; others are left out, broken ones counted."""
    rng = np.random.default_rng(1)
    for number in range(4):
        samples = np.concatenate([voice(number, rng) for _ in range(30)])
        (tmp_path / f"{number}.wav").write_bytes(wav_bytes(samples))
    (tmp_path / "broken.wav").write_bytes(wav_bytes(voice(0, rng))[:44])
    png(tmp_path / "a.png", picture())
    (tmp_path / "b.txt").write_text("no sound")
    files = [one for one in tmp_path.iterdir() if one.is_file()]
    spec = QUICK.model_copy(update={"epochs": 1})

    folder = train(files, "lstm", tmp_path / "net", spec)
    training = json.loads((folder / "config.json").read_text())["training"]
    assert (training["files"], training["files_failed"]) == (5, 1)
    assert (training["sounds"] + training["sounds_held_out"], training["seconds"]) == (12, 96.0)
    again = train(files[::-1], "lstm", tmp_path / "again", spec)
    assert (again / "model.safetensors").read_bytes() == (
        folder / "model.safetensors"
    ).read_bytes()


def test_no_more_seconds_are_learnt_from_than_allowed(tmp_path):
    """The rest is not even asked for."""

    def endless():
        while True:
            yield voice(1, np.random.default_rng(0))

    spec = QUICK.model_copy(update={"max_seconds": 9.5, "epochs": 1})
    folder = train_recurrent(endless(), "lstm", tmp_path / "a", spec)

    assert json.loads((folder / "config.json").read_text())["training"]["seconds"] == 9.6


def test_what_cannot_be_trained_is_said_before_work(tmp_path):
    """Another kind, a folder that holds something, too few sounds; nothing is left behind."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    with pytest.raises(ConfigError, match="known: lstm, gru"):
        train_recurrent(voices(12, 1), "rnn", tmp_path / "a", QUICK)
    with pytest.raises(ConfigError, match="is there already"):
        train_recurrent(voices(12, 1), "lstm", tmp_path / "full", QUICK)
    with pytest.raises(ConfigError, match="7 sounds to learn from"):
        train_recurrent([*voices(7, 1), *[np.zeros(100)] * 9], "lstm", tmp_path / "a", QUICK)
    assert [one.name for one in tmp_path.iterdir()] == ["full"]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [("licence", "MIT\ntags: [free]", "one line"), ("rate", 1.5, "less than or equal to 1")],
)
def test_a_setting_that_cannot_be_is_refused(name, value, why):
    """A licence of several lines would give the card fields of its own."""
    with pytest.raises(ValidationError, match=why):
        RecurrentSpec.model_validate({name: value})
