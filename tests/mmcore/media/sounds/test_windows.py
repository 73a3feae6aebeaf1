from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.media.sounds.resample import resampled
from mmcore.media.sounds.windows import RATE, windows, windows_and_damages
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Span
from storage.schemas import Modality
from tests import media
from tests.made import sounds as made

LIMITS, SPEC = LimitsSpec(), SegmentationSpec(audio_window=1.0)


def cut(path, spec=SPEC, limits=LIMITS, **options):
    """All windows of a file."""
    return list(windows(media.content(path), limits, spec, **options))


def test_windows_tile_the_sound(tmp_path):
    """2.5 s in windows of 1 s are two whole ones and a half: together they are the sound."""
    found = cut(media.wav(tmp_path / "a.wav", 2.5))

    assert [span for span, _ in found] == [
        Span(0.0, 1.0, "second"),
        Span(1.0, 2.0, "second"),
        Span(2.0, 2.5, "second"),
    ]
    sound = np.concatenate([samples for _, samples in found])
    np.testing.assert_allclose(sound, media.tone(2.5), atol=1e-3)
    assert sound.dtype == np.float32


@pytest.mark.parametrize(
    ("seconds", "ends"),
    [
        (0.2, [0.2]),
        (1.0, [1.0]),
        (1.2, [1.2]),
        (1.25, [1.0, 1.25]),
        (2.1, [1.0, 2.1]),
        (3.0, [1.0, 2.0, 3.0]),
    ],
)
def test_a_short_rest_joins_the_window_before(tmp_path, seconds, ends):
    """A last window below a quarter of one is part of the window before it."""
    found = cut(media.wav(tmp_path / "a.wav", seconds))

    assert [span.end for span, _ in found] == ends
    assert sum(len(samples) for _, samples in found) == round(seconds * RATE)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (22_050, 2), (48_000, 2), (48_000, 12)])
def test_any_rate_and_channels_become_mono_at_16_khz(tmp_path, rate, channels):
    """The same tone at another rate, or in stereo, has the same length and loudness."""
    ((span, samples),) = cut(media.wav(tmp_path / "a.wav", 1.0, rate, channels))

    assert span == Span(0.0, 1.0, "second")
    assert len(samples) == RATE
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_twice_the_same_sound_twice_the_same_samples(tmp_path):
    """Decoding is deterministic."""
    path = media.wav(tmp_path / "a.wav", 2.0, 44_100)
    first, second = cut(path), cut(path)

    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, second, strict=True))


def test_the_sound_track_of_a_video_is_read(tmp_path):
    """A video's AAC track comes as windows."""
    found = cut(media.mp4(tmp_path / "a.mp4", 2.0))

    assert found[0][0] == Span(0.0, 1.0, "second")
    assert found[-1][0].end == pytest.approx(2.0, abs=0.1)


def test_a_video_without_sound_has_no_windows(tmp_path):
    """No track, or not that many, is no error in a video."""
    assert cut(media.mp4(tmp_path / "a.mp4", 0.5, sound=False)) == []
    assert cut(media.mp4(tmp_path / "b.mp4", 0.5), track=1) == []


def test_a_sound_without_a_track_is_rejected(tmp_path):
    """A file that was taken for a sound has to have one."""
    path = media.mp4(tmp_path / "a.mp4", 0.5, sound=False)

    with pytest.raises(MediaError) as caught:
        list(windows(media.content(path, Modality.AUDIO), LIMITS, SPEC))
    assert caught.value.reason == "no-audio-stream"


def test_a_sound_without_samples_is_rejected(tmp_path):
    """A WAV that is a header alone has no samples."""
    with pytest.raises(MediaError) as caught:
        cut(media.wav(tmp_path / "a.wav", 0.0))
    assert caught.value.reason in {"no-samples", "decode-error"}


def test_garbage_behind_a_good_header_is_rejected(tmp_path):
    """What no demuxer takes, or no decoder, is a decode error."""
    path = tmp_path / "a.flac"
    path.write_bytes(b"fLaC" + bytes(range(256)) * 20)

    with pytest.raises(MediaError) as caught:
        cut(path)
    assert caught.value.reason == "decode-error"


def test_a_text_is_never_played(tmp_path):
    """FFmpeg would open a text as an "ansi" video: the demuxer is not allowed."""
    path = media.text(tmp_path / "a.txt", "cmake_minimum_required(VERSION 3.20)\n" * 50)

    with pytest.raises(MediaError) as caught:
        list(windows(media.content(path, Modality.VIDEO), LIMITS, SPEC))
    assert caught.value.reason == "decode-error"


@pytest.mark.parametrize("rate", [1, 999, 768_001, 2**31 - 1])
def test_a_rate_that_no_sound_has_is_rejected(tmp_path, rate):
    """A damaged rate would cost the resampler seconds and gigabytes."""
    path = media.wav(tmp_path / "a.wav", 0.1)
    raw = bytearray(path.read_bytes())
    raw[24:28] = rate.to_bytes(4, "little")
    path.write_bytes(raw)

    with pytest.raises(MediaError) as caught:
        cut(path)
    assert caught.value.reason == "odd-rate"


def test_too_long_a_sound_is_rejected(tmp_path):
    """A sound above the limit is rejected, never cut."""
    with pytest.raises(MediaError) as caught:
        cut(media.wav(tmp_path / "a.wav", 2.0), limits=LimitsSpec(max_seconds=1.5))
    assert (caught.value.stage, caught.value.reason) == ("limits", "too-long")


def test_a_sample_that_is_no_number_is_rejected(tmp_path):
    """A float WAV with a NaN would poison its vector."""
    path = tmp_path / "a.wav"
    values = np.array([0.1, np.nan] * 800, dtype="<f4").tobytes()
    head = b"RIFF" + (36 + len(values)).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\x03\0\x01\0"
    rate = (16_000).to_bytes(4, "little") + (64_000).to_bytes(4, "little") + b"\x04\0\x20\0"
    path.write_bytes(head + rate + b"data" + len(values).to_bytes(4, "little") + values)

    with pytest.raises(MediaError) as caught:
        cut(path)
    assert caught.value.reason == "not-finite"


def test_windows_overlap(tmp_path):
    """Windows of 1 s that share 0.4 s begin each 0.6 s and repeat what they share."""
    spec = SegmentationSpec(audio_window=1.0, audio_overlap=0.4)
    found = cut(media.wav(tmp_path / "a.wav", 2.4), spec)

    assert [(span.start, span.end) for span, _ in found] == [(0, 1), (0.6, 1.6), (1.2, 2.4)]
    shared = round(0.4 * RATE)
    np.testing.assert_array_equal(found[0][1][-shared:], found[1][1][:shared])


@settings(max_examples=30, deadline=None)
@given(
    length=st.integers(1, 60_000),
    window=st.integers(100, 20_000),
    overlap=st.floats(0, 0.95),
)
def test_windows_cover_the_sound_and_each_adds_to_it(tmp_path_factory, length, window, overlap):
    """Whatever their length and overlap: no sample is lost or moved, no window is there twice."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, length).astype("<f4")
    path = tmp_path_factory.mktemp("sounds") / "a.wav"
    path.write_bytes(made.wav_bytes(samples))
    spec = SegmentationSpec(audio_window=window / RATE, audio_overlap=overlap * window / RATE)
    end = 0
    for number, (span, found) in enumerate(cut(path, spec)):
        start, before = round(span.start * RATE), end
        end = round(span.end * RATE)
        np.testing.assert_array_equal(found, samples[start:end])
        assert start == number * max(1, window - round(spec.audio_overlap * RATE))
        assert start <= before < end
    assert end == length


@pytest.mark.parametrize("overlap", [1.0, 1.5, -0.1])
def test_an_overlap_has_to_leave_something_new(overlap):
    """A window that repeats all of the one before would never end."""
    with pytest.raises(ValidationError):
        SegmentationSpec(audio_window=1.0, audio_overlap=overlap)


def test_windows_around_a_damage_keep_their_places(tmp_path):
    """A NaN in the third second leaves the windows before and behind where they were."""
    samples = media.tone(10.0).astype("<f4")
    samples[round(2.5 * RATE)] = math.nan
    path = tmp_path / "a.wav"
    path.write_bytes(made.wav_bytes(samples))
    found = list(windows_and_damages(media.content(path), LIMITS, SPEC))
    damage, *_ = (one for one in found if isinstance(one, Damage))
    kept = {one[0].start: one for one in found if not isinstance(one, Damage)}

    assert 2 <= damage.span.start < 2.5 < damage.span.end <= 3
    for second in (0, 1, 4, 9):
        span, heard = kept[second]
        assert span.end == second + 1
        np.testing.assert_array_equal(heard, samples[second * RATE : (second + 1) * RATE])


@pytest.mark.parametrize("rate", [48_000, 44_100, 8000])
@pytest.mark.parametrize(
    ("window", "overlap"), [(1.0, 0.0), (1.3, 0.41), (10 / 3, 0.0), (0.7, 2 / 3)]
)
def test_windows_have_the_same_spans_at_any_rate(tmp_path, rate, window, overlap):
    """As many windows: their seconds are equal at 48 kHz, and within a sample at other rates."""
    path = media.wav(tmp_path / "a.wav", 9.6, 16_000)
    spec = SegmentationSpec(audio_window=window, audio_overlap=overlap)
    usual, found = cut(path, spec), cut(path, spec, rate=rate)
    before = [second for span, _ in usual for second in (span.start, span.end)]
    after = [second for span, _ in found for second in (span.start, span.end)]

    assert after == (before if rate == 48_000 else pytest.approx(before, abs=1 / rate))
    for span, samples in found:
        assert len(samples) == round((span.end - span.start) * rate)


@settings(max_examples=20, deadline=None)
@given(
    length=st.integers(1, 60_000),
    window=st.integers(100, 20_000),
    overlap=st.floats(0, 0.95),
    rate=st.sampled_from([1000, 8000, 22_050, 44_100, 48_000]),
)
def test_no_sample_is_lost_at_another_rate(tmp_path_factory, length, window, overlap, rate):
    """A sound that has the rate asked for comes as it is, in windows each of which adds to it."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, length).astype("<f4")
    path = tmp_path_factory.mktemp("sounds") / "a.wav"
    path.write_bytes(made.wav_bytes(samples, rate))
    spec = SegmentationSpec(audio_window=window / rate, audio_overlap=overlap * window / rate)
    end = 0
    for span, found in cut(path, spec, rate=rate):
        start, before = round(span.start * rate), end
        end = round(span.end * rate)
        np.testing.assert_array_equal(found, samples[start:end])
        assert start <= before < end
    assert end == length


def test_both_tones_of_a_cd_are_there_at_48_khz_and_one_at_16_khz(tmp_path):
    """1 and 15 kHz at 44.1 kHz: both within 0.1 dB at 48 kHz, the higher one gone at 16."""
    both = (media.tone(4.0, 44_100, 1000) + media.tone(4.0, 44_100, 15_000)) / 2
    path = tmp_path / "a.wav"
    path.write_bytes(made.wav_bytes(both.astype("<f4"), 44_100))

    for rate, kept in ((48_000, {1000, 15_000}), (16_000, {1000})):
        sound = np.concatenate([samples for _, samples in cut(path, rate=rate)])[rate : 3 * rate]
        spectrum = np.abs(np.fft.rfft(sound)) / rate  # bins of 0.5 Hz, a tone's amplitude in one
        assert {round(place / 2) for place in np.flatnonzero(spectrum > 1e-4)} == kept
        for hertz in kept:
            assert 20 * np.log10(spectrum[2 * hertz] / 0.25) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_windows_around_a_gap_keep_their_seconds_at_any_rate(tmp_path, rate):
    """Four broken seconds: the windows before and behind them lie where they do at 16 kHz."""
    samples = media.tone(12.0, 44_100).astype("<f4")
    samples[4 * 44_100 : 8 * 44_100 : 700] = math.nan
    path = tmp_path / "a.wav"
    path.write_bytes(made.wav_bytes(samples, 44_100))
    usual, found = (
        list(windows_and_damages(media.content(path), LIMITS, SPEC, rate=one))
        for one in (16_000, rate)
    )

    assert len(found) == len(usual)
    for one, other in zip(usual, found, strict=True):
        assert isinstance(one, Damage) == isinstance(other, Damage)
        span, same = (each.span if isinstance(each, Damage) else each[0] for each in (one, other))
        rounding = 1e-3 if isinstance(one, Damage) else 1 / 16_000
        assert (same.start, same.end) == pytest.approx((span.start, span.end), abs=1.01 * rounding)
    span, last = found[-1]
    sound = resampled(last, rate, 44_100)[2000:-2000]
    there = samples[round(span.start * 44_100) + 2000 :][: len(sound)]
    a_sample = 0.5 * 2 * np.pi * 440 / 16_000  # of the tone, moved by one at 16 kHz
    np.testing.assert_allclose(sound, there, atol=a_sample)


@pytest.mark.slow
def test_a_long_sound_takes_no_more_memory_than_a_short_one(tmp_path):
    """Twenty minutes are cut within the memory that two take: what was given is let go."""
    peaks = []
    for minutes in (2, 20):
        content = media.content(made.minutes(tmp_path / f"{minutes}.flac", minutes))
        tracemalloc.start()
        assert sum(1 for _ in windows(content, LIMITS, SegmentationSpec())) == 6 * minutes
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] + 1_000_000
