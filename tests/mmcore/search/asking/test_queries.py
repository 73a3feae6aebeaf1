from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from mmcore.errors import ConfigError
from mmcore.media.segments import cut
from mmcore.media.sounds.windows import windows
from mmcore.search.asking.queries import Asker, read_content
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey, unit_rows
from storage.schemas import Modality
from tests import media
from tests.fakes import MeaningEncoder, hash_encoders
from tests.lakes import make_lake, towers


@dataclass
class Turned:
    """A projection that shifts every vector by one number, and notes the languages."""

    space: str = "shared/p1"
    joined: tuple[Modality, ...] = (Modality.TEXT,)
    languages: list = field(default_factory=list)

    def joins(self, key: EncoderKey) -> bool:
        """Whether it takes that encoder's vectors."""
        return key.modality in self.joined

    def project(self, key, vectors, languages):
        """Turn the vectors of a query."""
        self.languages += languages
        return np.roll(vectors, 1, axis=1)


class OneByOne:
    """A text encoder that takes single queries only."""

    def __init__(self):
        self.key = encoder(Modality.TEXT).key

    def encode_query(self, decoded):
        """The vector of one text."""
        return encoder(Modality.TEXT).encode_query(decoded)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """The manifest of a lake with hash encoders of four modalities."""
    root = tmp_path_factory.mktemp("lake")
    return make_lake(root, {"a": {"a.txt": "x"}}, hash_encoders(), fused=False).manifest


def asker(manifest, **fields):
    """An asker of that lake's encoders."""
    return Asker(manifest, hash_encoders(), fields.pop("projection", None), **fields)


def encoder(modality):
    """The lake's encoder of a modality."""
    return next(e for e in hash_encoders() if e.key.modality == modality)


def test_a_text_lies_in_the_encoders_space(manifest):
    """Without a projection a query is what the encoder's query side says."""
    asked = asker(manifest).text("a cat")

    assert (asked.space, asked.modality) == ("hash-text", Modality.TEXT)
    assert np.allclose(asked.vector, encoder(Modality.TEXT).encode_query("a cat"), atol=1e-6)


def test_a_joined_encoder_asks_in_the_shared_space(manifest):
    """The projection is told the language; an encoder that it does not join stays where it is."""
    turned = Turned()
    asking = asker(manifest, projection=turned)
    asked = asking.text("一只猫")
    plain = encoder(Modality.TEXT).encode_query("一只猫")

    assert (asked.space, turned.languages) == ("shared/p1", ["zh"])
    assert np.allclose(asked.vector, np.roll(plain, 1), atol=1e-6)
    assert (asking.space(Modality.TEXT), asking.space(Modality.IMAGE)) == (
        "shared/p1",
        "hash-image",
    )


def test_a_long_text_is_the_mean_of_its_chunks(manifest):
    """Two sentences over the limit are two chunks; both count alike, and nothing is cut off."""
    text = "One two three four. Five six seven."
    asked = asker(manifest, segmentation=SegmentationSpec(text_chars=20)).text(text)
    each = encoder(Modality.TEXT).encode(["One two three four.", "Five six seven."])

    assert np.allclose(asked.vector, unit_rows(each.sum(axis=0, keepdims=True))[0], atol=1e-6)


def test_chunks_are_averaged_as_unit_vectors(manifest):
    """(u + v) / |u + v|, whatever the number of chunks."""
    asked = asker(manifest).chunks(["u", "v"], "en")
    both = encoder(Modality.TEXT).encode(["u", "v"])

    assert np.allclose(asked.vector, unit_rows(both.sum(axis=0, keepdims=True))[0], atol=1e-6)


def test_a_file_asks_like_its_cells(manifest, tmp_path):
    """A sound of several windows asks with the mean of what the lake would hold of it."""
    path = media.wav(tmp_path / "声音.wav", 25.0)
    asking = asker(manifest, runtime=RuntimeSpec(batch_size=2))
    sound = encoder(Modality.AUDIO)
    waves = [w for _, w in windows(read_content(path), LimitsSpec(), SegmentationSpec())]
    cells = sound.encode(np.stack([sound.prepare(wave) for wave in waves]))
    asked = asking.media(path)

    assert len(waves) == 3
    assert (asked.space, asked.modality) == ("hash-audio", Modality.AUDIO)
    assert np.allclose(asked.vector, asking.cells(Modality.AUDIO, cells).vector, atol=1e-6)


def test_a_video_asks_with_its_pictures_or_its_sound(manifest, tmp_path):
    """The modality chooses; what a file does not hold it cannot ask with."""
    path = media.mp4(tmp_path / "v.mp4", 2.0)
    silent = media.mp4(tmp_path / "silent.mp4", 2.0, sound=False)

    assert asker(manifest).media(path).modality is Modality.VIDEO
    assert asker(manifest).media(path, Modality.AUDIO).space == "hash-audio"
    with pytest.raises(ConfigError, match="has no audio"):
        asker(manifest).media(silent, Modality.AUDIO)
    with pytest.raises(ConfigError, match="cannot be asked as audio"):
        asker(manifest).media(media.png(tmp_path / "p.png"), Modality.AUDIO)


def test_texts_at_once_ask_like_each_alone(manifest):
    """Chunks stay with their text, in batches or through an encoder that knows none."""
    asking = asker(manifest)
    texts, languages = [["u", "v"], ["w"], ["x", "y", "z"]], ["en", "zh", None]
    alone = [asking.chunks(t, n).vector for t, n in zip(texts, languages, strict=True)]
    single = Asker(manifest, [OneByOne(), *hash_encoders()[1:]], None)

    assert np.allclose(asking.texts(texts, languages), alone, atol=1e-6)
    assert np.allclose(single.texts(texts, languages), alone, atol=1e-6)


def test_a_video_is_decoded_as_indexing_does(manifest, tmp_path):
    """Its frames reach the encoder in the size that indexed ones have, cut by the same code."""
    path = media.mp4(tmp_path / "v.mp4", 2.0)
    film = encoder(Modality.VIDEO)
    content = read_content(path)
    pieces = cut(content, film, SegmentationSpec(), LimitsSpec())
    frames = [piece.decoded for piece in pieces]
    cells = film.encode(np.stack([film.prepare(frame) for frame in frames]))
    asking = asker(manifest)

    assert np.array_equal(asking.media(path).vector, asking.cells(Modality.VIDEO, cells).vector)


def test_limits_hold_for_queries(manifest, tmp_path):
    """A file of too many bytes or segments is refused as it would be when indexed."""
    path = media.wav(tmp_path / "s.wav", 25.0)
    for limits in (LimitsSpec(max_segments=2), LimitsSpec(max_bytes=100)):
        with pytest.raises(ConfigError, match="the limit is"):
            asker(manifest, limits=limits).media(path)


def test_a_damaged_text_is_told(manifest, tmp_path):
    """A text that cannot be read is a ConfigError with its path."""
    path = tmp_path / "long.txt"
    path.write_text("words " * 100)
    with pytest.raises(ConfigError, match=r"long\.txt cannot be used"):
        asker(manifest, limits=LimitsSpec(max_text_bytes=10)).media(path)


def test_an_encoder_that_the_lake_does_not_have_is_named(tmp_path):
    """The lake lists by what it can be asked."""
    snapshot = make_lake(tmp_path, {"a": {"a.txt": "red"}}, towers())
    with pytest.raises(ConfigError, match="no encoder for audio: it can be asked by text, image"):
        Asker(snapshot.manifest, towers(), None).encoder(Modality.AUDIO)


def test_a_text_asks_in_the_space_of_each_tower(tmp_path):
    """The main one where none is named; a space that no tower has cannot be asked in."""
    text, further = (MeaningEncoder(Modality.TEXT, space) for space in ("seen", "heard"))
    snapshot = make_lake(tmp_path, {"a": {"a.txt": "red"}}, [text, further], fused=False)
    asking = Asker(snapshot.manifest, [further, text], None)

    assert asking.spaces(Modality.TEXT) == ("seen", "heard")
    for space, tower in ((None, text), ("seen", text), ("heard", further)):
        asked = asking.text("a red wall", space)
        assert asked.space == tower.key.space
        assert np.allclose(asked.vector, tower.encode_query("a red wall"), atol=1e-6)
    with pytest.raises(ConfigError, match=r"it can be asked by text$"):
        asking.spaces(Modality.AUDIO)


def test_what_a_file_asks_as_is_told_without_decoding(manifest, tmp_path):
    """By its first bytes, or as what is wanted of it, if it has that."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    video = media.mp4(tmp_path / "clip.mp4", 0.5)
    asking = asker(manifest)

    assert asking.kind(broken) is Modality.IMAGE
    assert asking.kind(video) is Modality.VIDEO
    assert asking.kind(video, Modality.AUDIO) is Modality.AUDIO
    assert asking.kind(media.text(tmp_path / "a.txt", "red")) is Modality.TEXT
    with pytest.raises(ConfigError, match="is image, it cannot be asked as audio"):
        asking.kind(broken, Modality.AUDIO)


def test_a_querys_file_is_typed_by_its_content(tmp_path):
    """The name plays no part."""
    picture = media.png(tmp_path / "sound.wav")

    assert read_content(picture).modality is Modality.IMAGE
    with pytest.raises(ConfigError, match="not there"):
        read_content(Path(tmp_path / "nothing"))
