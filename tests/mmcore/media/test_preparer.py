from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from mmcore.errors import ConfigError
from mmcore.media.preparer import RATE, WantsRate, rate_of
from mmcore.media.segments import cut
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import EncoderKey
from storage.schemas import Modality
from tests import media


@dataclass
class Plain:
    """A preparer of sounds as they come."""

    key: ClassVar = EncoderKey(
        Modality.AUDIO, "small", "f1", "small", 1, (Modality.AUDIO, Modality.VIDEO)
    )
    shape: tuple[int, ...] | None = (1,)
    dtype: str = "float32"
    size: int = 0

    def prepare(self, decoded):
        """Its length."""
        return np.array([len(decoded)], dtype=np.float32)


@dataclass
class Wanting(Plain):
    """One that wants a rate."""

    rate: int = 48_000


def test_who_asks_for_no_rate_gets_16_khz():
    """The member is optional."""
    assert not isinstance(Plain(), WantsRate)
    assert rate_of(Plain()) == RATE == 16_000
    assert rate_of(Wanting(rate=44_100)) == 44_100


@pytest.mark.parametrize("rate", [0, -1, 999, 768_001, 48_000.0, None])
def test_a_rate_that_no_sound_has_stops_the_run(rate):
    """It is the encoder's fault, which no file is to pay for; the message names the encoder."""
    with pytest.raises(ConfigError, match="'small'"):
        rate_of(Wanting(rate=rate))


@pytest.mark.parametrize("name", ["a.wav", "a.mp4"])
@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
def test_sounds_are_cut_at_the_rate_of_the_encoder(tmp_path, name, rate):
    """A sound, and that of a video, come at the rate that is wanted, with the usual spans."""
    path = tmp_path / name
    media.mp4(path, 3.0) if name.endswith("mp4") else media.wav(path, 3.0, 44_100)
    spec = SegmentationSpec(audio_window=1.0)
    wanted = list(cut(media.content(path), Wanting(rate=rate), spec, LimitsSpec()))
    plain = list(cut(media.content(path), Plain(), spec, LimitsSpec()))

    assert [len(piece.decoded) for piece in wanted[:-1]] == [rate] * (len(wanted) - 1)
    assert [piece.span for piece in wanted[:-1]] == [piece.span for piece in plain[:-1]]
    assert wanted[-1].span.end == pytest.approx(plain[-1].span.end, abs=1 / RATE)
