from __future__ import annotations

import numpy as np
import pytest

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.media.sounds.windows import RATE, windows_and_damages
from mmcore.specs import LimitsSpec, SegmentationSpec
from storage.schemas import Modality
from tests import media
from tests.made import sounds as made


def whole(path, seconds=60.0):
    """The samples of a file that is one window, and the damages in it."""
    content = media.content(path, Modality.AUDIO)
    spec = SegmentationSpec(audio_window=seconds)
    found = list(windows_and_damages(content, LimitsSpec(), spec))
    windows = [one for one in found if not isinstance(one, Damage)]
    assert len(windows) == 1
    return windows[0][1], [one for one in found if isinstance(one, Damage)]


@pytest.mark.parametrize("name", made.FORMATS)
def test_every_format_is_the_same_sound(tmp_path, name):
    """Two seconds of a sine come out as that, whatever the codec, depth, rate and channels."""
    kind = made.FORMATS[name]
    samples, damages = whole(made.sound(tmp_path / f"a.{kind.suffix}", name))

    middle = samples[RATE // 4 : -RATE // 4]
    strongest = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax()
    assert not damages
    assert len(samples) / RATE == pytest.approx(2.0, abs=kind.late)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=kind.error)
    assert strongest * RATE / len(middle) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 9, 16])
def test_channels_are_averaged(tmp_path, channels):
    """A constant in the first channel alone is a share of it in the mean."""
    samples = np.zeros((1600, channels), dtype="<f4")
    samples[:, 0] = 0.5
    path = tmp_path / "a.wav"
    path.write_bytes(made.wav_bytes(samples))

    np.testing.assert_allclose(whole(path)[0], 0.5 / channels, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "suffix"), [("flac", "flac"), ("mp3", "mp3"), ("adts", "aac"), ("m4a-aac", "m4a")]
)
def test_damage_in_the_middle_costs_that_place(tmp_path, name, suffix):
    """600 random bytes in 5 s leave the sound before and behind, and tell where it is missing."""
    path = made.sound(tmp_path / f"a.{suffix}", name, 5.0)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = np.random.default_rng(1).bytes(600)
    path.write_bytes(data)
    samples, damages = whole(path)

    assert 4.6 < len(samples) / RATE < 5.0
    assert [d.error.stage for d in damages] == ["audio"]
    assert 2.0 < damages[0].span.start < damages[0].span.end < 3.0


def test_a_damaged_place_is_no_silence(tmp_path):
    """Where a fifth of a FLAC is wiped out nothing is put in: each kept window is as loud."""
    path = made.sound(tmp_path / "a.flac", "flac", 10.0)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) * 7 // 10] = bytes(len(data) // 5)
    path.write_bytes(data)
    spec = SegmentationSpec(audio_window=0.5)
    found = list(windows_and_damages(media.content(path), LimitsSpec(), spec))

    windows = [one for one in found if not isinstance(one, Damage)]
    assert len(windows) < 19
    assert windows[-1][0].end == pytest.approx(10.0, abs=0.05)
    for _, samples in windows:
        assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_lost_pages_of_an_ogg_do_not_move_what_follows(tmp_path):
    """The last window of an Ogg with a wiped page ends when the sound did."""
    path = made.sound(tmp_path / "a.opus", "ogg-opus", 5.0)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 600] = bytes(600)
    path.write_bytes(data)
    samples, damages = whole(path)

    assert len(samples) / RATE == pytest.approx(4.0, abs=0.1)
    assert [d.error.reason for d in damages] == ["lost-packets"]
    assert damages[0].span.end - damages[0].span.start == pytest.approx(1.0, abs=0.1)


def test_a_file_of_mostly_damage_is_rejected(tmp_path):
    """Of an AAC whose packets are noise but for a few nothing is kept."""
    path = made.sound(tmp_path / "a.m4a", "m4a-aac", 5.0)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start + 4000 : start + 70_000] = np.random.default_rng(0).bytes(66_000)
    path.write_bytes(data)

    with pytest.raises(MediaError) as caught:
        whole(path)
    assert (caught.value.stage, caught.value.reason) == ("audio", "decode-error")


@pytest.mark.parametrize(("name", "suffix"), [("mp3", "mp3"), ("adts", "aac"), ("flac", "flac")])
def test_junk_around_a_stream_is_not_heard(tmp_path, name, suffix):
    """Random bytes behind a stream, and before the frames of an MP3, add next to nothing."""
    path = made.sound(tmp_path / f"a.{suffix}", name, 3.0)
    junk = np.random.default_rng(0).bytes(5000)
    path.write_bytes((junk if name == "mp3" else b"") + path.read_bytes() + junk)
    samples, damages = whole(path)

    assert len(samples) / RATE == pytest.approx(3.0, abs=0.1)
    assert not damages


def test_a_rate_that_changes_within_a_stream_is_followed(tmp_path):
    """Two MP3s of different rates in one file are heard one after the other."""
    first = made.sound(tmp_path / "a.mp3", "mp3", 1.0).read_bytes()
    kind = made.FORMATS["mp3"]._replace(rate=48_000)
    second = made.written(tmp_path / "b.mp3", kind, 1.0).read_bytes()
    path = tmp_path / "c.mp3"
    path.write_bytes(first + second)

    samples = whole(path)[0]
    assert len(samples) / RATE == pytest.approx(2.0, abs=0.15)


def test_numbers_beyond_sound_cost_their_packet(tmp_path):
    """A float WAV with an infinite sample keeps the rest of its 5 s."""
    samples = media.tone(5.0).astype("<f4")
    samples[40_000] = np.inf
    path = tmp_path / "a.wav"
    path.write_bytes(made.wav_bytes(samples))
    found, damages = whole(path)

    assert 4.7 < len(found) / RATE < 5.0
    assert np.abs(found).max() < 0.6
    assert [d.error.reason for d in damages] == ["not-finite"]
    assert damages[0].span.start <= 2.5 <= damages[0].span.end
