from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mmcore.encoders.families.clap import build_audio, build_text
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import unit_rows
from tests.made.checkpoints.clap import TOKENS, make
from tests.made.sounds import music, noise, vowels

RATE = 48_000
MOST = 10 * RATE
TEXTS = (
    "A dog barks.",
    "一只狗在远处叫了两声。",
    "Someone plays a slow tune on an old piano while the rain falls on a tin roof.",
    "大风吹过，海浪拍打着岸边。",
    "Waves",
)
LEAST = {"float32": 0.9999, "bfloat16": 0.999}

logging.getLogger("transformers").setLevel(logging.ERROR)


@pytest.fixture(scope="module", params=["fused", "unfused"])
def folder(request, tmp_path_factory):
    """A checkpoint with fusion, and one without."""
    place = tmp_path_factory.mktemp("weights") / request.param
    return make(place, fused=request.param == "fused")


def runtime(folder, **fields):
    """On the CPU, in float32 where nothing else is said."""
    return RuntimeSpec(
        **{"device": "cpu", "dtype": "float32", "models": {"clap": str(folder)}, **fields}
    )


def at_48(samples):
    """The same at three times the rate, with what a microphone adds."""
    fine = np.interp(np.arange(3 * len(samples)) / 3, np.arange(len(samples)), samples)
    hiss = np.random.default_rng(len(samples)).normal(0, 1e-4, len(fine))
    return (fine + hiss).astype(np.float32)


@cache
def sounds():
    """Sounds of at most ten seconds, one of them exactly that."""
    return (
        at_48(music(10.0)),
        at_48(vowels(2.5)),
        at_48(noise(0.7, 0.2, seed=3)),
        at_48(noise(1.1, 0.02) * np.sin(np.arange(17_600) / 900).astype(np.float32)),
        at_48(music(6.1)),
    )


@cache
def library(folder):
    """The library's own model, processors and tokeniser."""
    from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel

    return (
        ClapModel.from_pretrained(folder).eval(),
        ClapFeatureExtractor.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
    )


def heard(folder, samples):
    """The library's vector of a clip; ``is_longer`` is set to what it is."""
    model, extract, _ = library(folder)
    found = extract(samples, sampling_rate=RATE, return_tensors="pt")
    found["is_longer"] = torch.tensor([[False]])
    with torch.inference_mode():
        return model.get_audio_features(**found).pooler_output[0].numpy()


@cache
def all_heard(folder):
    """The library's vectors of ``sounds``."""
    return np.stack([heard(folder, one) for one in sounds()])


def read(folder, ids):
    """The library's vector of token ids."""
    with torch.inference_mode():
        return library(folder)[0].get_text_features(torch.tensor([ids])).pooler_output[0].numpy()


def cosines(left, right):
    """Of rows."""
    return (unit_rows(left) * unit_rows(right)).sum(axis=1)


@pytest.mark.parametrize("clip", range(5))
def test_the_spectrum_is_the_librarys(folder, clip):
    """Decibels of a clip of any length are those of ClapFeatureExtractor within a thousandth."""
    samples = sounds()[clip]
    theirs = library(folder)[1](samples, sampling_rate=RATE)["input_features"][0]
    ours = build_audio(SegmentationSpec(), runtime(folder)).prepare(samples)

    assert ours.shape == (2, 1001, 64)
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-3)
    assert np.isnan(ours[1]).all()


@pytest.mark.parametrize("hertz", [60.0, 997.0, 12_000.0])
def test_the_spectrum_of_a_pure_tone_is_the_librarys(folder, hertz):
    """Bands that lie far below the loudest one are right too: float32 would not do."""
    time = np.arange(MOST) / RATE
    samples = (0.9 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
    theirs = library(folder)[1](samples, sampling_rate=RATE)["input_features"][0][0]
    ours = build_audio(SegmentationSpec(), runtime(folder)).prepare(samples)[0]

    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize("padding", ["repeatpad", "repeat", "pad"])
def test_each_way_of_filling_up_is_the_librarys(tmp_path, padding):
    """What the folder's ``padding`` says is done to a short clip."""
    from transformers import ClapFeatureExtractor

    made = make(tmp_path / "w", fused=False)
    ClapFeatureExtractor(truncation="rand_trunc", padding=padding).save_pretrained(made)
    samples = sounds()[1]
    theirs = ClapFeatureExtractor.from_pretrained(made)(samples, sampling_rate=RATE)

    ours = build_audio(SegmentationSpec(), runtime(made)).prepare(samples)[0]
    np.testing.assert_allclose(ours, theirs["input_features"][0][0], atol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sounds_have_the_librarys_vectors(folder, dtype):
    """Alone, in a batch and in another order; clips have different vectors."""
    encoder = build_audio(SegmentationSpec(), runtime(folder, dtype=dtype))
    batch = np.stack([encoder.prepare(one) for one in sounds()])
    theirs = all_heard(folder)
    alone = np.concatenate([encoder.encode(batch[n : n + 1]) for n in range(2)])

    assert cosines(theirs[:-1], theirs[1:]).max() < 0.95
    assert cosines(alone, theirs[:2]).min() >= LEAST[dtype]
    for ours in (encoder.encode(batch), encoder.encode(batch[::-1])[::-1]):
        assert cosines(ours, theirs).min() >= LEAST[dtype]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_texts_have_the_librarys_vectors(folder, dtype):
    """Alone, in a batch and in another order; texts have different vectors."""
    encoder = build_text(SegmentationSpec(), runtime(folder, dtype=dtype))
    tokenizer = library(folder)[2]
    theirs = np.stack([read(folder, tokenizer(one)["input_ids"]) for one in TEXTS])
    alone = np.stack([encoder.encode_query(one) for one in TEXTS])

    assert cosines(theirs[:-1], theirs[1:]).max() < 0.95
    for ours in (encoder.encode(TEXTS), alone, encoder.encode(TEXTS[::-1])[::-1]):
        assert cosines(ours, theirs).min() >= LEAST[dtype]


def test_a_longer_window_is_the_mean_of_fixed_overlapping_cuts(folder):
    """12.3 seconds are the first ten and the last ten, not what chance picks."""
    samples = at_48(np.concatenate([music(7.0), vowels(5.3)]))
    encoder = build_audio(SegmentationSpec(), runtime(folder))
    mean = heard(folder, samples[:MOST]) + heard(folder, samples[-MOST:])

    prepared = encoder.prepare(samples)
    assert cosines(encoder.encode(prepared[None]), mean[None])[0] >= 0.9999
    np.testing.assert_array_equal(encoder.prepare(samples), prepared)
    mixed = np.stack([encoder.prepare(sounds()[1]), prepared, encoder.prepare(sounds()[2])])
    np.testing.assert_allclose(
        encoder.encode(mixed)[1], encoder.encode(prepared[None])[0], atol=1e-5
    )


def test_a_few_samples_too_many_are_no_second_cut(folder):
    """Less than a hop over ten seconds is taken whole, as the library's "fusion" does."""
    samples = at_48(music(10.005))
    prepared = build_audio(SegmentationSpec(), runtime(folder)).prepare(samples)

    assert len(samples) == MOST + 240
    assert np.isnan(prepared[1]).all()
    if library(folder)[1].truncation == "fusion":
        theirs = library(folder)[1](samples, sampling_rate=RATE)["input_features"][0]
        np.testing.assert_allclose(prepared[0], theirs[0], atol=1e-3)


@pytest.mark.parametrize(("window", "cuts"), [(1.0, 1), (8.0, 1), (8.1, 2), (10.0, 2), (30.0, 4)])
def test_there_is_room_for_the_longest_window(folder, window, cuts):
    """The last window is a quarter longer than the others; a longer sound is refused."""
    encoder = build_audio(SegmentationSpec(audio_window=window), runtime(folder))
    longest = np.full(int(window * 1.25 * RATE), 0.1, dtype=np.float32)

    assert encoder.shape == encoder.prepare(longest).shape == (cuts, 1001, 64)
    with pytest.raises(ConfigError, match="longest window"):
        encoder.prepare(np.zeros((10 * cuts + 1) * RATE, dtype=np.float32))


@pytest.mark.parametrize("samples", [0, 1, 479, MOST])
def test_silence_of_any_length_has_a_vector(folder, samples):
    """No logarithm of zero, no division by no sample."""
    encoder = build_audio(SegmentationSpec(), runtime(folder))
    vector = encoder.encode_query(np.zeros(samples, dtype=np.float32))

    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_a_long_text_is_read_in_windows(folder):
    """Nothing is cut: the vector is the mean of the windows', by their tokens."""
    text = " ".join(TEXTS) * 4
    whole = library(folder)[2](text, truncation=False, verbose=False)["input_ids"]
    inner, room = whole[1:-1], TOKENS - 2
    count = -(-len(inner) // room)
    bounds = np.linspace(0, len(inner), count + 1).astype(int)
    windows = [[0, *inner[a:b], 2] for a, b in pairwise(bounds)]
    mean = sum(len(ids) * read(folder, ids) for ids in windows)

    ours = build_text(SegmentationSpec(), runtime(folder)).encode([text])
    assert count > 2
    assert cosines(ours, mean[None])[0] >= 0.9999


def test_both_towers_share_a_space_of_the_weights(folder, tmp_path):
    """The space has the weights' digest; keys depend on contents, not on place or machine."""
    text = build_text(SegmentationSpec(), runtime(folder)).key
    audio = build_audio(SegmentationSpec(), runtime(folder)).key
    copy = shutil.copytree(folder, tmp_path / "elsewhere")

    assert text.space == audio.space
    assert text.dim == audio.dim == 24
    assert build_audio(SegmentationSpec(), runtime(copy, dtype="bfloat16")).key == audio
    told = json.loads((copy / "preprocessor_config.json").read_text())
    (copy / "preprocessor_config.json").write_text(json.dumps({**told, "padding": "pad"}))
    assert build_audio(SegmentationSpec(), runtime(copy)).key.fingerprint != audio.fingerprint
    other = build_audio(SegmentationSpec(audio_window=5), runtime(folder)).key
    assert other.fingerprint != audio.fingerprint


def test_the_licence_and_the_rate_are_told(folder):
    """By the folder's card; sounds are wanted at 48 kHz."""
    encoder = build_audio(SegmentationSpec(), runtime(folder))

    assert (encoder.licence, encoder.rate, encoder.dtype) == ("apache-2.0", RATE, "float32")


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("config.json", {"model_type": "siglip"}, "model_type"),
        ("config.json", {"audio_config": {"num_mel_bins": 128}}, "num_mel_bins"),
        ("config.json", {"audio_config": {"spec_size": 64}}, "spec_size"),
        ("config.json", {"audio_config": {"enable_fusion": False}}, "enable_fusion"),
        ("preprocessor_config.json", {"truncation": "middle"}, "truncation"),
        ("preprocessor_config.json", {"padding": "mirror"}, "padding"),
    ],
)
def test_what_is_not_done_is_an_error_that_names_it(tmp_path, file, change, said):
    """A configuration that the code does not follow is refused, with file and field."""
    made = make(tmp_path / "w")
    told = json.loads((made / file).read_text())
    for name, value in change.items():
        told[name] = {**told[name], **value} if isinstance(value, dict) else value
    (made / file).write_text(json.dumps(told))

    with pytest.raises(ConfigError, match=f"{file}: .*{said}"):
        build_audio(SegmentationSpec(), runtime(made))


def test_weights_that_are_not_here_or_not_safe_are_refused(tmp_path):
    """The sentence says what to do."""
    with pytest.raises(MissingWeightsError, match="encoders fetch clap"):
        build_audio(SegmentationSpec(), RuntimeSpec(weights=str(tmp_path)))
    made = make(tmp_path / "w")
    torch.save(load_file(made / "model.safetensors"), made / "pytorch_model.bin")
    (made / "model.safetensors").unlink()
    for build, asked in ((build_text, "a dog"), (build_audio, sounds()[1])):
        with pytest.raises(UnsafeWeightsError, match="encoders convert"):
            build(SegmentationSpec(), runtime(made)).encode_query(asked)


def test_making_and_preparing_load_no_torch(folder):
    """A decode worker makes the spectra without torch and without transformers."""
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from mmcore.encoders.presets import encoders_of\n"
        "from mmcore.specs import RuntimeSpec, SegmentationSpec\n"
        f"runtime = RuntimeSpec(device='cpu', models={{'clap': {str(folder)!r}}})\n"
        "text, audio = encoders_of('clap', SegmentationSpec(), runtime)\n"
        "audio.prepare(np.zeros(48_000, dtype=np.float32))\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
