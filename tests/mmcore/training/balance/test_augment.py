from __future__ import annotations

import numpy as np
import pytest
import torch

from mmcore.training.balance.augment import Augment, picture, sound, without_words
from mmcore.training.balance.spec import AugmentSpec

ALL = AugmentSpec(flip=0.5, crop=0.3, colour=0.4, spec_augment=0.2, noise=0.1, word_dropout=0.4)
RATE = 16_000


def example(item=7, has=(True, True, True)):
    """As `MultiModalDataset` gives one: a picture, a sound padded by half, a caption."""
    draws = torch.Generator().manual_seed(item)
    image, audio = torch.rand(3, 24, 32, generator=draws), torch.zeros(RATE)
    audio[:8000] = torch.randn(8000, generator=draws) * 0.1
    return {
        "item": torch.tensor(item),
        "image": image * has[0],
        "text": "a red frog on a leaf" if has[1] else "",
        "audio": audio * has[2],
        "audio_samples": 8000 if has[2] else 0,
        "language": "en",
        "label": torch.tensor(1),
        "has": torch.tensor(has),
    }


def alike(one, other):
    """Whether two examples are the same in each value."""
    return one.keys() == other.keys() and all(
        torch.equal(value, other[name]) if torch.is_tensor(value) else value == other[name]
        for name, value in one.items()
    )


def rng(seed=0):
    """A seeded generator."""
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seed", range(8))
def test_shapes_dtypes_and_what_is_there_never_change(seed):
    """Whatever is drawn: values stay finite, a picture in 0..1, padding zero, a text a text."""
    before = example()
    after = Augment(ALL, seed)(before)

    for name in ("image", "audio", "item", "label", "has"):
        assert after[name].shape == before[name].shape
        assert after[name].dtype == before[name].dtype
        assert torch.isfinite(after[name]).all()
    assert torch.equal(after["has"], before["has"])
    assert 0 <= after["image"].min() <= after["image"].max() <= 1
    assert not after["audio"][8000:].any()
    assert after["text"]
    assert set(after["text"].split()) <= set(before["text"].split())
    assert (after["language"], after["audio_samples"]) == ("en", 8000)


@pytest.mark.parametrize("has", [(False, True, True), (True, False, True), (True, True, False)])
def test_what_is_absent_is_left_alone(has):
    """A missing picture and sound stay zeros, a missing text stays empty."""
    before = example(has=has)
    after = Augment(ALL, 0)(before)

    for there, name in zip(has, ("image", "text", "audio"), strict=True):
        if not there and name != "text":
            assert torch.equal(after[name], before[name])
        elif not there:
            assert not after[name]


def test_seed_epoch_and_item_decide_what_is_done():
    """The same three give the same, in any order; another of any gives another."""
    augment = Augment(ALL, 5)
    first = augment(example())
    augment(example(8))

    assert alike(augment(example()), first)
    assert alike(Augment(ALL, 5)(example()), first)
    assert not alike(Augment(ALL, 6)(example()), first)
    augment.set_epoch(1)
    assert not alike(augment(example()), first)


def test_nothing_is_changed_in_place_and_nothing_where_all_is_off():
    """The example that was given stays as it was; an empty spec gives an equal one."""
    before = example()
    Augment(ALL, 0)(before)

    assert alike(before, example())
    assert alike(Augment(AugmentSpec(), 0)(before), before)


def test_a_flip_mirrors_the_picture():
    """Left becomes right, and nothing else."""
    image = torch.rand(3, 4, 6)

    assert torch.equal(picture(image, AugmentSpec(flip=1), rng()), image.flip(-1))


def test_a_crop_shows_a_part_as_large_as_the_whole():
    """Of a ramp from 0 to 1, a crop of half at most has a range of half at least, and less."""
    ramp = torch.linspace(0, 1, 64).expand(3, 64, 64)
    ranges = []
    for seed in range(20):
        cropped = picture(ramp, AugmentSpec(crop=0.5), rng(seed))
        ranges.append(float(cropped.max() - cropped.min()))

    assert 0.45 <= min(ranges) < max(ranges) <= 1
    assert np.mean(ranges) == pytest.approx(0.75, abs=0.08)


def test_colour_changes_brightness_within_its_bounds():
    """A grey of 0.5 stays grey, between 0.3 and 0.7 at 40 %."""
    grey = torch.full((3, 4, 4), 0.5)
    found = [float(picture(grey, AugmentSpec(colour=0.4), rng(s))[0, 0, 0]) for s in range(30)]

    assert 0.3 <= min(found) < 0.4
    assert 0.6 < max(found) <= 0.7


def test_spans_and_bands_of_a_sound_are_silenced():
    """Of white noise some energy is gone, in time or in frequency, and the rest is as it was."""
    noise = torch.randn(RATE, generator=torch.Generator().manual_seed(0))
    masked = sound(noise, AugmentSpec(spec_augment=0.3), rng(1))
    left = masked.square().sum() / noise.square().sum()
    silent = masked.view(-1, 160).square().mean(dim=1) < 1e-6

    assert 0.2 < left < 0.95
    assert silent.any()
    # what is kept of a spectrogram is not changed: the rest is at most what a mask took away
    assert float((masked * (noise - masked)).sum() / noise.square().sum()) == pytest.approx(
        0, abs=0.05
    )


def test_a_band_of_frequency_is_gone_where_it_is_masked():
    """A tone inside some mask loses its energy; over many seeds some do and some do not."""
    tone = torch.sin(2 * torch.pi * 4000 * torch.arange(RATE) / RATE)
    left = [
        float(sound(tone, AugmentSpec(spec_augment=0.3), rng(s)).square().mean()) / 0.5
        for s in range(20)
    ]

    assert min(left) < 0.02
    assert max(left) > 0.6


def test_noise_is_relative_to_the_loudness_of_the_sound():
    """Noise of a tenth adds a hundredth of the energy; a silent sound stays silent."""
    tone = torch.sin(torch.arange(RATE) / 10) * 0.3
    added = sound(tone, AugmentSpec(noise=0.1), rng()) - tone

    ratio = added.square().mean() / tone.square().mean()
    assert float(ratio) == pytest.approx(0.01, rel=0.1)
    assert not sound(torch.zeros(100), AugmentSpec(noise=0.1), rng()).any()


@pytest.mark.parametrize("samples", [0, 1, 511])
def test_a_sound_too_short_for_a_frame_is_not_masked(samples):
    """Nothing to transform: it stays as it is."""
    short = torch.ones(samples)

    assert torch.equal(sound(short, AugmentSpec(spec_augment=0.5), rng()), short)


def test_words_are_left_out_with_the_chance_that_is_asked():
    """Of a hundred words about 30 are gone; the others stay in their order."""
    text = " ".join(f"w{n}" for n in range(1000))
    left = without_words(text, 0.3, rng()).split()

    assert len(left) == pytest.approx(700, abs=45)
    assert left == sorted(left, key=lambda word: int(word[1:]))


def test_chinese_words_are_left_out_whole():
    """What is left of a Chinese caption are words of it."""
    left = {without_words("红色的青蛙在叶子上", 0.5, rng(seed)) for seed in range(20)}

    assert len(left) > 3
    assert any("青蛙" in text for text in left)
    assert not any(("青" in text) != ("蛙" in text) for text in left)


@pytest.mark.parametrize("text", ["frog", "青蛙", "", " "])
def test_the_last_word_always_stays(text):
    """A text of one word, or of none, is not changed."""
    assert all(without_words(text, 0.99, rng(seed)) == text for seed in range(5))
