from __future__ import annotations

import struct

import numpy as np
import pytest

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.media.sounds.blocks import MOST_DAMAGES, blocks
from mmcore.media.sounds.resample import RATE
from mmcore.specs import LimitsSpec
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


@pytest.mark.parametrize("declared", [3600 * 32_000, 0, 0xFFFF_FFFF, 0x7FFF_FFFF])
def test_a_header_that_lies_about_its_length_is_not_believed(tmp_path, declared):
    """A WAV that says an hour, nothing, or what streams say has the 2 s that it holds."""
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


def test_a_length_that_the_file_could_not_hold_is_no_limit(tmp_path):
    """A FLAC that says 20 hours in a few kilobytes is heard, and told to be cut off."""
    path = made.sound(tmp_path / "a.flac", "flac-8-khz", 2.0)
    data = bytearray(path.read_bytes())
    total = 8000 * 72_000
    (word,) = struct.unpack(">Q", data[18:26])
    data[18:26] = struct.pack(">Q", (word & ~0xF_FFFF_FFFF) | total)
    seconds, (damage,) = heard(written(path, data))

    assert seconds == 2.0
    assert (damage.error.reason, damage.span.end) == ("cut-off", 72_000.0)


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


def test_a_late_track_of_a_video_begins_late(tmp_path):
    """The sound of a video that begins a second behind the pictures lies at that second."""
    path = media.mp4(tmp_path / "a.mp4", 2.0)
    late = made.delayed(path, tmp_path / "late.mkv", 1.0)
    first = next(blocks(media.content(late, Modality.VIDEO), LimitsSpec()))

    assert first.start / RATE == pytest.approx(1.0, abs=0.1)


def test_a_long_sound_is_heard_piece_by_piece(tmp_path):
    """What is held at a time has nothing to do with the length: no block exceeds a second."""
    path = made.sound(tmp_path / "a.flac", "flac-8-khz", 120.0)

    assert max(len(one.samples) for one in blocks(media.content(path), LimitsSpec())) <= RATE
