import numpy as np
import pytest
from PIL import Image

from mmcore.errors import MediaError
from mmcore.training.dataset.decode import Decoder, Kept
from tests import media


def test_a_picture_is_a_square_of_shares(tmp_path):
    """Channels first, 0 to 1, upright, in its shape, with white above and below."""
    path = media.png(tmp_path / "a.png", Image.new("RGB", (40, 20), (255, 0, 0)))
    pixels = Decoder(8, 1.0, 0).picture(media.content(path))

    assert pixels.shape == (3, 8, 8)
    assert pixels.dtype == np.float32
    assert pixels[:, 4, 4].tolist() == [1.0, 0.0, 0.0]
    assert pixels[:, 0, 0].tolist() == [1.0, 1.0, 1.0]


def test_a_short_sound_is_padded(tmp_path):
    """Its samples come first, zeros behind them; how many are sound is told."""
    path = media.wav(tmp_path / "a.wav", 0.25)
    samples, count = Decoder(8, 1.0, 0).sound(media.content(path), 0.9)

    assert samples.shape == (16_000,)
    assert count == 4000
    assert np.allclose(samples[:4000], media.tone(0.25), atol=1e-3)
    assert not samples[4000:].any()


def test_a_long_sound_is_seen_in_part(tmp_path):
    """Place 0 is its start, 1 its end; nothing beyond is asked for."""
    content = media.content(media.wav(tmp_path / "a.wav", 2.0, hertz=441.3))
    whole, _ = Decoder(8, 2.0, 0).sound(content, 0.0)

    for place, start in ((0.0, 0), (0.5, 12_000), (1.0, 24_000)):
        samples, count = Decoder(8, 0.5, 0).sound(content, place)
        assert count == 8000
        assert np.array_equal(samples, whole[start : start + 8000])


def test_what_was_decoded_is_kept_while_there_is_room(tmp_path):
    """A second look reads no file, unless the array had no room."""
    path = media.png(tmp_path / "a.png")
    content = media.content(path)
    keeps, forgets = Decoder(8, 1.0, 8 * 8 * 3), Decoder(8, 1.0, 8 * 8 * 3 - 1)
    first = keeps.picture(content)
    assert np.array_equal(forgets.picture(content), first)
    path.unlink()

    assert np.array_equal(keeps.picture(content), first)
    with pytest.raises(FileNotFoundError):
        forgets.picture(content)


def test_room_is_not_given_twice():
    """Arrays are kept until the room is used up; a smaller one may still fit."""
    kept, made = Kept(10), []

    def make(size):
        return lambda: made.append(size) or np.zeros(size, dtype=np.uint8)

    for name, size in (("a", 6), ("b", 6), ("c", 4), ("a", 6), ("b", 6), ("c", 4)):
        assert len(kept.get(name, make(size))) == size
    assert made == [6, 6, 4, 6]


def test_a_broken_sound_is_an_error(tmp_path):
    """What holds no sound is a MediaError, for who asks to decide about."""
    path = media.wav(tmp_path / "a.wav", 0.1)
    path.write_bytes(path.read_bytes()[:30])

    with pytest.raises(MediaError):
        Decoder(8, 1.0, 0).sound(media.content(path), 0.0)
