from __future__ import annotations

import numpy as np

from mmcore.media.pieces import Damage
from mmcore.media.sounds.cut import sounds
from mmcore.specs import LimitsSpec, SegmentationSpec
from tests import media
from tests.made import sounds as made


def cut(path, **spec):
    """What is cut from a file."""
    return list(sounds(media.content(path), SegmentationSpec(**spec), LimitsSpec()))


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
