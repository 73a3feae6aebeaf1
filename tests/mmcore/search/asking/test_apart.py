"""Tests of asking/apart.py and peaks.py: files are decoded elsewhere, to the same end."""

from pathlib import Path

import numpy as np
import pytest

from mmcore.errors import ConfigError, MediaError
from mmcore.search.asking.apart import ApartAsker
from mmcore.search.asking.queries import Asker
from mmcore.search.showing.peaks import Drawer, Stretch, peaks_of
from mmcore.specs import LimitsSpec, RuntimeSpec
from storage.schemas import Modality
from tests import media
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.search.http.plugged import declare_colours

LIMITS = LimitsSpec(stall_seconds=5.0, file_seconds=20.0)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """A lake whose encoders worker processes can make."""
    with pytest.MonkeyPatch.context() as patch:
        declare_colours(patch, tmp_path_factory.mktemp("declared"))
        yield make_lake(tmp_path_factory.mktemp("lake"), coloured_items(), towers(audio=True))


@pytest.fixture
def asker(snapshot):
    """An asker whose workers end with the test."""
    found = ApartAsker.of(snapshot, LIMITS, RuntimeSpec())
    yield found
    found.workers.close()


def files(folder: Path) -> dict[str, Path]:
    """A picture, a sound of three windows, a short and a long text."""
    return {
        "picture": media.png(folder / "a.png"),
        "sound": media.wav(folder / "a.wav", 25.0),
        "text": media.text(folder / "a.txt", "一面红色的墙。"),
        "long": media.text(folder / "b.txt", " ".join(f"Sentence {n} is red." for n in range(60))),
    }


@pytest.mark.parametrize("what", ["picture", "sound", "text", "long"])
def test_what_was_decoded_apart_asks_as_what_was_decoded_here(snapshot, asker, tmp_path, what):
    """The vector, its space and what it asks as are those of an asker in this process."""
    path = files(tmp_path)[what]
    here = Asker.of(snapshot, LIMITS, RuntimeSpec()).media(path)
    asker.read(path)
    apart = asker.media(path)

    assert (apart.space, apart.modality) == (here.space, here.modality)
    np.testing.assert_allclose(apart.vector, here.vector, atol=1e-6)


def test_what_was_read_is_not_read_again(asker, tmp_path):
    """A search asks several times with what was decoded once, until it is forgotten."""
    path = media.png(tmp_path / "a.png")
    asker.read(path)
    path.write_bytes(path.read_bytes()[:40])
    vector = asker.media(path).vector
    asker.forget(path)

    assert len(vector) == 32
    assert not asker.kept


def test_a_worker_is_kept_for_the_next_file(asker, tmp_path):
    """Starting one takes longer than most files."""
    asker.read(media.png(tmp_path / "a.png"))
    with asker.workers.borrowed() as worker:
        first = worker.number
    asker.read(media.png(tmp_path / "b.png"))
    with asker.workers.borrowed() as worker:
        assert worker.number == first


def test_a_broken_file_is_told_by_its_reason(asker, tmp_path):
    """What the decoder refuses is a MediaError; what asks nothing is a ConfigError."""
    whole = media.png(tmp_path / "a.png", media.noise()).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:200])
    with pytest.raises(MediaError):
        asker.read(tmp_path / "cut.png")
    with pytest.raises(ConfigError):
        asker.read(tmp_path / "a.png", Modality.AUDIO)

    assert not asker.kept


def test_peaks_are_those_of_the_stretch(tmp_path):
    """A tone of half amplitude; a stretch has its own length, and none lies behind the end."""
    path = media.wav(tmp_path / "a.wav", 4.0)
    content = media.content(path)
    whole = peaks_of(content, Stretch(), LIMITS, 8)
    part = peaks_of(content, Stretch(1.0, 1.5), LIMITS, 1000)

    assert whole.seconds == 4.0
    assert whole.peaks == pytest.approx([0.5] * 8, abs=0.01)
    assert (part.seconds, len(part.peaks)) == (0.5, 50)
    with pytest.raises(MediaError):
        peaks_of(content, Stretch(10.0, 20.0), LIMITS, 8)


def test_peaks_are_drawn_by_a_worker(tmp_path):
    """The worker draws what this process would; a file that is no sound costs itself."""
    path = media.wav(tmp_path / "a.wav", 2.0)
    broken = tmp_path / "b.wav"
    broken.write_bytes(path.read_bytes()[:30])
    drawer = Drawer(LIMITS)
    with pytest.raises(MediaError):
        drawer.peaks(media.content(broken), Stretch(), 4)
    drawn = drawer.peaks(media.content(path), Stretch(), 4)

    assert drawn.peaks == peaks_of(media.content(path), Stretch(), LIMITS, 4).peaks
    drawer.pool.close()
