"""Tests of showing/peaks.py and media/sounds/stretches.py: what is loud is drawn so."""

from fractions import Fraction

import av
import numpy as np
import pytest

from mmcore.media.sounds import blocks
from mmcore.search.asking.queries import read_content
from mmcore.search.showing.peaks import Stretch, peaks_of
from mmcore.specs import LimitsSpec
from storage.schemas import Modality

LIMITS = LimitsSpec()
RATE = 48_000
SECONDS = 120


CODECS = {"wav": "pcm_s16le", "flac": "flac", "ogg": "libopus", "m4a": "aac", "mp3": "libmp3lame"}
CODECS |= {"mkv": "pcm_s16le"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the sounds lie."""
    return tmp_path_factory.mktemp("sounds")


def written(folder, kind, late=0.0):
    """Two minutes that grow louder each second, from nothing to all; a film has it later."""
    path = folder / f"steps.{kind}"
    second = np.sin(np.arange(RATE) * 0.05).astype(np.float32)
    sound = np.concatenate([second * (n / SECONDS) for n in range(SECONDS)])
    with av.open(str(path), "w") as file:
        film = file.add_stream("mpeg4", rate=1) if late else None
        stream = file.add_stream(CODECS[kind], rate=RATE, layout="mono")
        if film is not None:
            _pictures(file, film)
        resampler = av.AudioResampler(stream.format.name, "mono", RATE, 960)
        frame = av.AudioFrame.from_ndarray(sound[None, :], "flt", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, round(late * RATE), Fraction(1, RATE)
        for one in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(one))
        file.mux(stream.encode(None))
    return path


def _pictures(file, stream):
    """A grey film of as long and some more, a picture a second."""
    stream.width = stream.height = 32
    for n in range(SECONDS + 8):
        frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8), "rgb24")
        frame.pts = n
        file.mux(stream.encode(frame))
    file.mux(stream.encode(None))


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "m4a", "mkv", "mp3"])
def test_a_stretch_far_inside_is_drawn_as_it_is(folder, kind):
    """Wherever it begins: each second is as loud as it was made, in every container."""
    content = read_content(written(folder, kind))
    found = peaks_of(content, Stretch(90.0, 100.0), LIMITS, 10)
    whole = peaks_of(content, Stretch(0.0, 120.0), LIMITS, SECONDS)

    assert found.seconds == pytest.approx(10.0, abs=0.2)
    assert found.peaks == pytest.approx(whole.peaks[90:100], abs=0.01)
    if kind in ("wav", "flac", "mkv"):  # the others change what is heard a little
        assert found.peaks == pytest.approx([n / SECONDS for n in range(90, 100)], abs=0.01)


def test_what_comes_before_is_not_decoded(folder, monkeypatch):
    """Of a file that can be entered anywhere only the stretch is read."""
    monkeypatch.setattr(blocks, "decoded", lambda *given: pytest.fail("all was decoded"))
    found = peaks_of(read_content(written(folder, "wav")), Stretch(110.0, 112.0), LIMITS, 4)

    assert len(found.peaks) == 4


def test_the_end_of_a_sound_is_drawn_as_far_as_it_goes(folder):
    """A stretch that ends behind it has the length that is there."""
    found = peaks_of(read_content(written(folder, "wav")), Stretch(115.0, 130.0), LIMITS, 5)

    assert found.seconds == pytest.approx(5.0, abs=0.1)


def test_the_sound_of_a_video_begins_where_its_clock_does(folder):
    """One that begins later than the pictures is drawn where it is heard."""
    content = read_content(written(folder, "mkv", late=4.0))
    found = peaks_of(content, Stretch(60.0, 64.0), LIMITS, 4)

    assert content.modality == Modality.VIDEO
    assert found.peaks == pytest.approx([n / SECONDS for n in range(56, 60)], abs=0.01)
