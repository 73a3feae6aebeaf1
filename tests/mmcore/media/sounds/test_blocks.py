from __future__ import annotations

import struct

import numpy as np
import pytest

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.media.sounds.blocks import MOST_DAMAGES, blocks
from mmcore.media.sounds.decode import Gap, Heard
from mmcore.media.sounds.resample import RATE
from mmcore.media.videos.subtitles import subtitles
from mmcore.specs import LimitsSpec, SegmentationSpec
from storage.schemas import Modality
from tests import media
from tests.made import sounds as made

TWO = made.pcm(2.0)


def heard(path, limits=LimitsSpec()):  # noqa: B008 - frozen
    """Seconds of sound in a file, and the damages."""
    found = list(blocks(media.content(path, Modality.AUDIO), limits))
    samples = sum(len(one.samples) for one in found if not isinstance(one, Damage))
    return samples / RATE, [one for one in found if isinstance(one, Damage)]


def written(path, data):
    """A file of these bytes."""
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("declared", [5 * 3600 * 32_000, 0, 0xFFFF_FFFF, 0x7FFF_FFFF])
def test_a_header_that_lies_about_its_length_is_not_believed(tmp_path, declared):
    """A WAV that says 5 hours, nothing, or what streams say has the 2 s that it holds."""
    path = written(tmp_path / "a.wav", made.wav_bytes(TWO, declared=declared))

    assert heard(path) == (2.0, [])


@pytest.mark.parametrize("align", [0, 1, 3, 4, 65_535])
def test_an_odd_block_size_is_mended(tmp_path, align):
    """The bytes of a frame follow from channels and bits, whatever the header says."""
    assert heard(written(tmp_path / "a.wav", made.wav_bytes(TWO, align=align)))[0] == 2.0


def test_half_a_sample_at_the_end_is_left_out(tmp_path):
    """A WAV cut within a sample is what it is until there."""
    path = written(tmp_path / "a.wav", made.wav_bytes(TWO)[:-1])

    assert heard(path) == ((2 * RATE - 1) / RATE, [])


@pytest.mark.parametrize("samples", [1, 2, 1600])
def test_the_shortest_sounds_are_heard(tmp_path, samples):
    """One sample is a sound, a tenth of a second too."""
    path = written(tmp_path / "a.wav", made.wav_bytes(TWO[:samples]))

    assert heard(path)[0] == samples / RATE


@pytest.mark.parametrize(("name", "suffix"), [("flac", "flac"), ("mp3", "mp3")])
def test_a_cut_off_sound_is_heard_to_the_cut(tmp_path, name, suffix):
    """60 % of a file are heard, and what its header promised beyond is told."""
    path = made.sound(tmp_path / f"a.{suffix}", name, 5.0)
    written(path, path.read_bytes()[: path.stat().st_size * 6 // 10])
    seconds, (damage,) = heard(path)

    assert 2.5 < seconds < 3.5
    assert damage.error.reason == "cut-off"
    assert damage.span.start == pytest.approx(seconds, abs=1e-3)
    assert damage.span.end == pytest.approx(5.0, abs=0.1)


PLAIN = ["wav-u8", "wav-16", "wav-24", "wav-float", "wav-a-law", "wav-extensible-6", "wav-rf64"]


@pytest.mark.parametrize("name", [*PLAIN, "w64", "caf", "aiff", "au"])
def test_plain_samples_that_are_cut_off_are_told(tmp_path, name):
    """What the header counts is the length, in whichever container and width of samples."""
    path = made.sound(tmp_path / f"a.{made.FORMATS[name].suffix}", name, 5.0)
    assert not heard(path)[1]
    written(path, path.read_bytes()[: path.stat().st_size * 6 // 10])
    seconds, (damage,) = heard(path)

    assert seconds == pytest.approx(3.0, abs=0.1)
    assert damage.error.reason == "cut-off"
    assert damage.span.end == pytest.approx(5.0, abs=0.01)


def test_a_wav_that_says_an_hour_is_cut_off(tmp_path):
    """An hour is no absurd length: 2 s of it are there."""
    path = written(tmp_path / "a.wav", made.wav_bytes(TWO, declared=3600 * 32_000))
    seconds, (damage,) = heard(path)

    assert seconds == 2.0
    assert (damage.error.reason, damage.span.end) == ("cut-off", 3600.0)


def test_a_cut_of_a_stream_without_a_length_is_its_end(tmp_path):
    """Nobody knows how long a cut Ogg was: what is there is all."""
    path = made.sound(tmp_path / "a.opus", "ogg-opus", 5.0)
    written(path, path.read_bytes()[: path.stat().st_size * 6 // 10])
    seconds, damages = heard(path)

    assert 2.5 < seconds < 3.5
    assert not damages


def test_the_limit_is_on_what_is_heard(tmp_path):
    """A file that says nothing of its length is rejected once more is heard than may be."""
    path = written(tmp_path / "a.wav", made.wav_bytes(TWO, declared=0))

    with pytest.raises(MediaError) as caught:
        heard(path, LimitsSpec(max_seconds=1.5))
    assert (caught.value.stage, caught.value.reason) == ("limits", "too-long")


@pytest.mark.parametrize(("hours", "ends"), [(3, [3 * 3600.0]), (20, [])])
def test_a_length_that_the_file_could_not_hold_is_no_limit(tmp_path, hours, ends):
    """A FLAC of some kilobytes that says 3 hours was cut off; one that says 20 talks nonsense."""
    path = made.sound(tmp_path / "a.flac", "flac-8-khz", 2.0)
    data = bytearray(path.read_bytes())
    total = 8000 * 3600 * hours
    (word,) = struct.unpack(">Q", data[18:26])
    data[18:26] = struct.pack(">Q", (word & ~0xF_FFFF_FFFF) | total)
    seconds, damages = heard(written(path, data))

    assert seconds == 2.0
    assert [(one.error.reason, one.span.end) for one in damages] == [("cut-off", e) for e in ends]


def test_an_absurd_length_in_an_mp3_is_not_told(tmp_path):
    """An MP3 whose header counts 2³² frames is what is there."""
    path = made.sound(tmp_path / "a.mp3", "mp3", 2.0)
    data = path.read_bytes()
    place = data.index(b"Info") + 8
    seconds, damages = heard(written(path, data[:place] + b"\xff" * 4 + data[place + 4 :]))

    assert seconds == pytest.approx(2.0, abs=0.1)
    assert not damages


@pytest.mark.parametrize("declared", [1, 2, 32_000])
def test_a_header_that_says_too_little_is_not_believed(tmp_path, declared):
    """Samples behind what the header of a WAV counts are heard as well."""
    path = written(tmp_path / "a.wav", made.wav_bytes(TWO, declared=declared))

    assert heard(path) == (2.0, [])


@pytest.mark.parametrize(("first", "last"), [(0, 15_000), (113_000, 128_000)])
def test_what_is_broken_at_an_edge_is_told_and_takes_its_time(tmp_path, first, last):
    """Nearly a second of a WAV that does not decode is a damage, before the rest and behind it."""
    samples = media.tone(8.0).astype("<f4")
    samples[first:last:700] = np.nan
    path = written(tmp_path / "a.wav", made.wav_bytes(samples))
    found = list(blocks(media.content(path), LimitsSpec()))
    sound = [one for one in found if not isinstance(one, Damage)]
    (damage,) = (one for one in found if isinstance(one, Damage))

    start, end = sound[0].start / RATE, sound[-1].end / RATE
    assert damage.error.reason == "not-finite"
    assert (damage.span.start, damage.span.end) == ((0.0, start) if not first else (end, 8.0))
    assert start == 0.0 if first else start == pytest.approx(15_000 / RATE, abs=0.1)


def test_a_broken_first_frame_of_a_flac_takes_its_time(tmp_path):
    """What follows a FLAC's first frame lies where it lay, and the frame is told."""
    path = made.sound(tmp_path / "a.flac", "flac", 3.0)
    data = bytearray(path.read_bytes())
    place = data.index(b"\xff\xf8", 8000) + 100
    data[place : place + 300] = bytes(300)
    found = list(blocks(media.content(written(path, data)), LimitsSpec()))

    sound = [one for one in found if not isinstance(one, Damage)]
    (damage,) = (one for one in found if isinstance(one, Damage))

    assert 0 == damage.span.start < damage.span.end
    assert damage.span.end == pytest.approx(sound[0].start / RATE, abs=1e-3)
    assert sound[-1].end / RATE == pytest.approx(3.0, abs=1e-3)


def test_junk_before_the_first_frame_of_a_flac_takes_no_time(tmp_path):
    """Bytes between the headers and the sound of a FLAC move nothing."""
    path = made.sound(tmp_path / "a.flac", "flac", 3.0)
    data = path.read_bytes()
    place = data.index(b"\xff\xf8", 8000)
    path = written(path, data[:place] + b"a title" * 20 + data[place:])
    found = list(blocks(media.content(path), LimitsSpec()))

    assert not any(isinstance(one, Damage) for one in found)
    assert (found[0].start, found[-1].end) == (0, 3 * RATE)


def test_a_length_that_the_file_can_hold_spares_the_decoding(tmp_path):
    """A sound above the limit by a header that its size bears out is rejected unheard."""
    path = written(tmp_path / "a.wav", made.wav_bytes(TWO))

    with pytest.raises(MediaError) as caught:
        next(blocks(media.content(path), LimitsSpec(max_seconds=1.5)))
    assert caught.value.reason == "too-long"


def test_damages_are_bounded(tmp_path):
    """A long sound with a broken sample each two seconds tells no more than some of them."""
    samples = np.zeros(1000 * 2 * (MOST_DAMAGES + 50), dtype="<f4")
    samples[1000::2000] = np.nan
    raw = made.wav_bytes(samples, rate=1000)
    seconds, damages = heard(written(tmp_path / "a.wav", raw))

    assert 0 < len(damages) <= MOST_DAMAGES + 1
    assert damages[-1].span.end > 290
    assert seconds > 0


def test_damages_of_alternating_reasons_are_bounded(tmp_path, monkeypatch):
    """Two reasons in turn are told no more often than one: their rest is one damage each."""
    kinds = [MediaError("audio", reason, "broken") for reason in ("decode-error", "not-finite")]
    sound = Heard(np.zeros(2 * RATE, np.float32), RATE)
    gaps = [Gap(0.1, 1, kinds[number % 2]) for number in range(500)]
    events = [event for gap in gaps for event in (sound, gap)] + [sound]
    monkeypatch.setattr("mmcore.media.sounds.blocks.decoded", lambda *_: iter(events))
    path = written(tmp_path / "a.wav", made.wav_bytes(TWO))
    _, damages = heard(path)

    assert len(damages) == MOST_DAMAGES + 2
    assert {one.error.reason for one in damages[-2:]} == {"decode-error", "not-finite"}
    assert max(one.span.end for one in damages) == pytest.approx(500 * 2.1)


def test_a_late_track_of_a_video_begins_late(tmp_path):
    """The sound of a video that begins a second behind the pictures lies at that second."""
    path = media.mp4(tmp_path / "a.mp4", 2.0)
    late = made.delayed(path, tmp_path / "late.mkv", 1.0)
    first = next(blocks(media.content(late, Modality.VIDEO), LimitsSpec()))

    assert first.start / RATE == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_a_late_track_begins_as_late_at_any_rate(tmp_path, rate):
    """The second of the first sample has nothing to do with the rate, but for its rounding."""
    late = made.delayed(media.mp4(tmp_path / "a.mp4", 2.0), tmp_path / "late.mkv", 1.0)
    content = media.content(late, Modality.VIDEO)
    usual, found = (next(blocks(content, LimitsSpec(), rate=one)) for one in (RATE, rate))

    assert found.start / rate == pytest.approx(usual.start / RATE, abs=1 / rate)
    assert found.start / rate > 0.9


def test_damages_keep_their_seconds_at_another_rate(tmp_path):
    """A damage of a sound at 16 kHz is told at the same place at 48 kHz, to the filter's 2 ms."""
    samples = media.tone(8.0).astype("<f4")
    samples[40_000] = np.nan
    samples[80_000:100_000:700] = np.nan
    content = media.content(written(tmp_path / "a.wav", made.wav_bytes(samples)))
    usual, found = (
        [one.span for one in blocks(content, LimitsSpec(), rate=rate) if isinstance(one, Damage)]
        for rate in (RATE, 48_000)
    )

    assert len(usual) == len(found) == 2
    for one, other in zip(usual, found, strict=True):
        assert (other.start, other.end) == pytest.approx((one.start, one.end), abs=3e-3)


def test_the_limit_is_in_seconds_at_any_rate(tmp_path):
    """Two seconds pass a limit of two at 48 kHz, and not one of 1.9 that no header tells."""
    path = written(tmp_path / "a.wav", made.wav_bytes(TWO, declared=0))
    content = media.content(path)
    length = list(blocks(content, LimitsSpec(max_seconds=2.0), rate=48_000))[-1].end

    assert length == 2 * 48_000
    with pytest.raises(MediaError) as caught:
        list(blocks(content, LimitsSpec(max_seconds=1.9), rate=48_000))
    assert caught.value.reason == "too-long"


def test_a_long_sound_is_heard_piece_by_piece(tmp_path):
    """What is held at a time has nothing to do with the length: no block exceeds a second."""
    path = made.sound(tmp_path / "a.flac", "flac-8-khz", 120.0)

    assert max(len(one.samples) for one in blocks(media.content(path), LimitsSpec())) <= RATE


def test_a_video_that_cannot_be_opened_is_one_fault(tmp_path):
    """The sound of a video without its index fails as its pictures do, so that it is told once."""
    path = media.mp4(tmp_path / "a.mp4", 1.0)
    path.write_bytes(path.read_bytes()[:600])

    with pytest.raises(MediaError) as caught:
        next(blocks(media.content(path, Modality.VIDEO), LimitsSpec()))
    assert (caught.value.stage, caught.value.reason) == ("video", "truncated")


def test_a_video_of_nothing_is_damaged_whoever_asks(tmp_path):
    """A header and zeros: neither its sound nor its subtitles are merely not there."""
    path = media.mp4(tmp_path / "a.mp4", 1.0)
    path.write_bytes(path.read_bytes()[:64] + bytes(4000))
    content = media.content(path, Modality.VIDEO)

    for asked in (
        blocks(content, LimitsSpec()),
        subtitles(content, SegmentationSpec(), LimitsSpec()),
    ):
        with pytest.raises(MediaError) as caught:
            next(asked)
        assert (caught.value.stage, caught.value.reason) == ("video", "no-stream")
