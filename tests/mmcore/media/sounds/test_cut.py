from __future__ import annotations

import numpy as np
import pytest

from mmcore.media.pieces import Damage
from mmcore.media.sounds.cut import sounds
from mmcore.media.sounds.denoise import denoised
from mmcore.specs import LimitsSpec, SegmentationSpec
from tests import media
from tests.made import sounds as made


def cut(path, rate=16_000, **spec):
    """What is cut from a file."""
    return list(sounds(media.content(path), SegmentationSpec(**spec), LimitsSpec(), rate))


def test_a_window_says_how_it_was_cut_and_what_it_is(tmp_path):
    """Three seconds of nothing are one silent window of the file itself."""
    path = tmp_path / "a.wav"
    path.write_bytes(made.wav_bytes(np.zeros(48_000, dtype="<i2")))
    (piece,) = cut(path)

    assert (piece.segmentation, piece.source, piece.kind) == ("window-10s", "self", "silence")


def test_the_overlap_is_in_the_name(tmp_path):
    """Windows that overlap are others than those that do not, also at the same place."""
    path = media.wav(tmp_path / "a.wav", 4.0)
    pieces = cut(path, audio_window=2, audio_overlap=0.5)

    assert {piece.segmentation for piece in pieces} == {"window-2s-0.5s"}
    assert [piece.span.start for piece in pieces] == [0.0, 1.5, 3.0]


def test_the_sound_of_a_video_is_its_first_track(tmp_path):
    """Its pieces say so."""
    assert {piece.source for piece in cut(media.mp4(tmp_path / "a.mp4"))} == {"track:0"}


def test_noise_is_taken_out_on_request(tmp_path):
    """With the setting a window of hiss is a third as loud or less."""
    path = tmp_path / "a.wav"
    path.write_bytes(made.wav_bytes(made.noise(4.0, 0.05).astype("<f4")))
    (as_it_is,), (cleaned,) = cut(path), cut(path, audio_denoise=True)

    assert np.std(cleaned.decoded) < np.std(as_it_is.decoded) / 3


def test_damage_is_told_among_the_pieces(tmp_path):
    """A cut-off sound gives its windows and a damage."""
    path = made.sound(tmp_path / "a.flac", "flac", 5.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    pieces = cut(path)

    assert [isinstance(piece, Damage) for piece in pieces] == [True, False]


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000])
def test_a_window_is_of_the_same_kind_at_any_rate(tmp_path, rate):
    """Voice, music, silence and noise are told at 16 kHz; what is embedded has the rate asked."""
    silence = np.zeros(64_000, dtype=np.float32)
    stretches = [made.vowels(4.0), made.music(4.0), silence, made.noise(4.0, 0.05)]
    path = tmp_path / "a.wav"
    path.write_bytes(made.wav_bytes(np.concatenate(stretches).astype("<f4")))
    pieces = cut(path, rate, audio_window=4.0)

    assert [piece.kind for piece in pieces] == ["voice", "music", "silence", "sound"]
    assert [len(piece.decoded) for piece in pieces] == [4 * rate] * 4


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_noise_is_taken_out_at_another_rate(tmp_path, rate):
    """A window of hiss that fills the band is a third as loud or less there, too."""
    hiss = np.random.default_rng(0).normal(0, 0.05, 4 * rate).astype("<f4")
    path = tmp_path / "a.wav"
    path.write_bytes(made.wav_bytes(hiss, rate))
    (as_it_is,), (cleaned,) = cut(path, rate), cut(path, rate, audio_denoise=True)

    np.testing.assert_array_equal(cleaned.decoded, denoised(as_it_is.decoded, rate))
    assert np.std(cleaned.decoded) < np.std(as_it_is.decoded) / 3
