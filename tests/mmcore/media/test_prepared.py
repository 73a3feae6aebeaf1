"""Tests of mmcore/media/prepared.py and segments.py."""

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from mmcore.errors import MediaError
from mmcore.media.decoders import READER, decoders
from mmcore.media.images.fit import square
from mmcore.media.prepared import InProcess, prepare_shard
from mmcore.media.shaping import Shaping
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import EncoderKey, Segment, Shard, Span
from storage.schemas import DESCRIPTIONS, Modality
from tests import media

LIMITS = LimitsSpec()
SPEC = SegmentationSpec(text_chars=20, audio_window=1.0, video_interval=1.0)
READS = {
    Modality.IMAGE: (Modality.IMAGE,),
    Modality.TEXT: (Modality.TEXT, Modality.VIDEO),
    Modality.AUDIO: (Modality.AUDIO, Modality.VIDEO),
    Modality.VIDEO: (Modality.VIDEO,),
}


@dataclass
class SmallPreparer:
    """Shapes pictures to 4 × 4 pixels and waveforms to (length, loudness)."""

    modality: Modality
    size: int = 4

    @property
    def key(self) -> EncoderKey:
        """Reads what its modality is cut from."""
        return EncoderKey(self.modality, "small", "f1", "small", 2, READS[self.modality])

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Texts are not shaped."""
        return {Modality.TEXT: None, Modality.AUDIO: (2,)}.get(self.modality, (4, 4, 3))

    @property
    def dtype(self) -> str:
        """Pixels are bytes, sounds are floats."""
        return "float32" if self.modality is Modality.AUDIO else "uint8"

    def prepare(self, decoded: Any) -> np.ndarray:
        """Pixels, or length and loudness."""
        if self.modality is Modality.AUDIO:
            return np.array([len(decoded), np.abs(decoded).max()], dtype=np.float32)
        return square(decoded, 4)


def prepare(folder, modality, contents, limits=LIMITS):
    """Prepare one shard of the given contents."""
    return prepared_by(SmallPreparer(modality), contents, folder / "staging", limits)


def prepared_by(encoder, contents, staging, limits=LIMITS):
    """Prepare one shard with a preparer of one's own."""
    shard = Shard(encoder.key, tuple(contents))
    shaping = Shaping(encoder, SPEC, limits)
    return prepare_shard(shard, shaping, staging, InProcess(shaping))


def test_pictures_are_prepared_in_order(tmp_path):
    """One segment a picture; row i of the arrays is segment i of the table."""
    paths = [
        media.png(tmp_path / f"{n}.png", media.picture(left=c, right=c))
        for n, c in enumerate([media.RED, media.GREEN])
    ]
    contents = [media.content(path) for path in paths]
    found = prepare(tmp_path, Modality.IMAGE, contents)
    table = found.segments()

    assert found.count == 2
    assert found.arrays().shape == (2, 4, 4, 3)
    assert found.arrays()[:, 2, 2].tolist() == [list(media.RED), list(media.GREEN)]
    assert table.schema.equals(DESCRIPTIONS)
    assert table["content_id"].to_pylist() == [c.content_id for c in contents]
    assert table["segment_id"].to_pylist() == [
        Segment(c.content_id, Modality.IMAGE, "self", "whole").segment_id for c in contents
    ]
    assert found.done == tuple(c.content_id for c in contents)
    assert found.rejections == ()


def test_texts_have_no_arrays(tmp_path):
    """A text's chunks are its input: text, language and span stand in the table."""
    path = media.text(tmp_path / "a.txt", "A green frog. 一只绿色的青蛙在叫。")
    found = prepare(tmp_path, Modality.TEXT, [media.content(path), media.caption("青蛙")])
    rows = found.segments().to_pylist()

    assert found.arrays() is None
    assert [(r["text"], r["language"], r["start"], r["unit"]) for r in rows] == [
        ("A green frog.", "en", 0.0, "char"),
        ("一只绿色的青蛙在叫。", "zh", 14.0, "char"),
        ("青蛙", "zh", None, None),
    ]
    assert {r["segmentation"] for r in rows} == {"chunk-20"}


def test_a_stored_segment_has_the_id_of_its_description(tmp_path):
    """An id can be made again from the columns of its row."""
    found = prepare(
        tmp_path,
        Modality.TEXT,
        [media.content(media.text(tmp_path / "a.txt", "A green frog. It is on the leaf."))],
    )
    for row in found.segments().to_pylist():
        span = Span(int(row["start"]), int(row["end"]), row["unit"])
        same = Segment(
            row["content_id"], Modality.TEXT, row["source"], row["segmentation"], span
        ).segment_id
        assert row["segment_id"] == same


def test_sounds_and_sound_tracks_are_windows(tmp_path):
    """A sound's source is itself, a video's sound is its first track."""
    contents = [
        media.content(media.wav(tmp_path / "a.wav", 2.0)),
        media.content(media.mp4(tmp_path / "b.mp4", 1.0)),
    ]
    found = prepare(tmp_path, Modality.AUDIO, contents)
    rows = found.segments().to_pylist()

    assert [(r["source"], r["segmentation"], r["start"]) for r in rows] == [
        ("self", "window-1s", 0.0),
        ("self", "window-1s", 1.0),
        ("track:0", "window-1s", 0.0),
    ]
    assert found.arrays()[:2, 0].tolist() == [16_000, 16_000]


def test_videos_are_frames(tmp_path):
    """A frame's span is its interval in seconds."""
    found = prepare(tmp_path, Modality.VIDEO, [media.content(media.mp4(tmp_path / "a.mp4", 2.0))])

    assert [(r["start"], r["end"], r["unit"]) for r in found.segments().to_pylist()] == [
        (0.0, 1.0, "second"),
        (1.0, 2.0, "second"),
    ]


def test_a_video_without_sound_is_done(tmp_path):
    """It gives no sound segments, and needs no further work."""
    content = media.content(media.mp4(tmp_path / "a.mp4", 0.5, sound=False))
    found = prepare(tmp_path, Modality.AUDIO, [content])

    assert found.count == 0
    assert found.arrays().shape == (0, 2)
    assert (found.done, found.rejections) == ((content.content_id,), ())


def test_one_broken_file_loses_no_other(tmp_path):
    """The broken picture between two good ones is a rejection with its decoder, and is done."""
    good = [media.content(media.png(tmp_path / f"{n}.png", media.noise(seed=n))) for n in range(2)]
    path = media.png(tmp_path / "broken.png", media.noise(seed=3))
    path.write_bytes(path.read_bytes()[:-500])
    broken = media.content(path)
    found = prepare(tmp_path, Modality.IMAGE, [good[0], broken, good[1]])
    (rejection,) = found.rejections

    assert found.segments()["content_id"].to_pylist() == [c.content_id for c in good]
    assert found.count == len(found.arrays()) == 2
    assert (rejection.path, rejection.stage, rejection.reason) == (
        "broken.png",
        "image",
        "truncated",
    )
    assert rejection.decoder in decoders()
    assert broken.content_id in found.done


def test_a_content_that_fails_half_way_leaves_nothing(tmp_path):
    """Windows before the failure are taken back, from the table and from the arrays."""
    limits = LimitsSpec(max_segments=2)
    contents = [
        media.content(media.wav(tmp_path / f"{n}.wav", seconds))
        for n, seconds in enumerate([1.0, 4.0, 2.0])
    ]
    found = prepare(tmp_path, Modality.AUDIO, contents, limits)
    (rejection,) = found.rejections

    assert rejection.reason == "too-many-segments"
    assert found.segments()["content_id"].to_pylist() == [
        contents[0].content_id,
        *[contents[2].content_id] * 2,
    ]
    assert found.arrays()[:, 0].tolist() == [16_000] * 3


def test_a_raised_limit_lets_in_what_the_old_one_kept_out(tmp_path):
    """What a limit rejected names that limit as its decoder: another limit tries again."""
    limits = LimitsSpec(max_pixels=10)
    found = prepare(
        tmp_path, Modality.IMAGE, [media.content(media.png(tmp_path / "a.png"))], limits
    )
    (rejection,) = found.rejections

    assert rejection.decoder in decoders(limits)
    assert rejection.decoder not in decoders()


def test_a_file_that_went_away_is_not_done(tmp_path):
    """A vanished or changed file is a rejection that the next run tries again."""
    gone = media.content(media.png(tmp_path / "gone.png"))
    changed = media.content(media.png(tmp_path / "changed.png", media.noise()))
    (tmp_path / "gone.png").unlink()
    media.png(tmp_path / "changed.png", media.noise(99, 99))
    found = prepare(tmp_path, Modality.IMAGE, [gone, changed])

    assert [r.reason for r in found.rejections] == ["vanished", "changed"]
    assert {r.decoder for r in found.rejections} == {READER}
    assert READER not in decoders()
    assert found.done == ()


def test_a_file_changed_within_its_size_is_not_done(tmp_path):
    """Other bytes of the same number would get the old content's id: the stamp tells."""
    old = media.content(media.text(tmp_path / "note.txt", "a red wall"))
    media.text(tmp_path / "note.txt", "a big wall")
    os.utime(tmp_path / "note.txt", ns=(0, old.mtime_ns + 1))

    found = prepare(tmp_path, Modality.TEXT, [old])

    assert [r.reason for r in found.rejections] == ["changed"]
    assert (found.count, found.done) == (0, ())


def test_an_empty_shard_is_prepared(tmp_path):
    """No content is no segment, for arrays and for texts."""
    pictures = prepare(tmp_path, Modality.IMAGE, [])
    texts = prepare(tmp_path / "texts", Modality.TEXT, [])

    assert pictures.arrays().shape == (0, 4, 4, 3)
    assert texts.arrays() is None
    assert pictures.segments().num_rows == texts.segments().num_rows == 0
    assert pictures.done == texts.rejections == ()


def test_preparing_again_replaces_and_discarding_removes(tmp_path):
    """A retry starts afresh; afterwards the staging folder is empty."""
    contents = [media.content(media.png(tmp_path / "a.png"))]
    first = prepare(tmp_path, Modality.IMAGE, contents)
    second = prepare(tmp_path, Modality.IMAGE, contents)

    assert first == second
    assert second.count == 1
    second.discard()
    second.discard()
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_rejections_span_survives(tmp_path):
    """Rejections come back from disk as they were, names that are no UTF-8 too."""
    content = replace(media.content(media.text(tmp_path / "a.txt", " ")), path="caf\udce9.txt")
    (rejection,) = prepare(tmp_path, Modality.TEXT, [content]).rejections

    assert (rejection.path, rejection.span) == ("caf\udce9.txt", None)


def test_a_wrong_shape_is_the_encoders_fault(tmp_path):
    """What an encoder prepares has to be what it declares: no file is blamed for it."""

    class Wrong(SmallPreparer):
        def prepare(self, decoded):
            return np.zeros((1, 1), dtype=np.uint8)

    encoder = Wrong(Modality.IMAGE)
    contents = [media.content(media.png(tmp_path / "a.png"))]

    with pytest.raises(ValueError, match="small prepared uint8"):
        prepared_by(encoder, contents, tmp_path)


def test_an_encoder_may_refuse_a_segment(tmp_path):
    """A MediaError of prepare rejects the content."""

    class Refusing(SmallPreparer):
        def prepare(self, decoded):
            raise MediaError("prepare", "silent", "no sound in it")

    encoder = Refusing(Modality.IMAGE)
    contents = [media.content(media.png(tmp_path / "a.png"))]
    found = prepared_by(encoder, contents, tmp_path / "staging")

    assert [r.reason for r in found.rejections] == ["silent"]


def test_a_content_that_found_no_memory_is_not_done(tmp_path, monkeypatch):
    """That the machine was full is not the file's fault: the next run tries it again."""

    def full(*_, **__):
        raise MemoryError

    content = media.content(media.png(tmp_path / "a.png"))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", full)
    found = prepare(tmp_path, Modality.IMAGE, [content])

    assert [(r.stage, r.reason, r.decoder) for r in found.rejections] == [
        ("image", "out-of-memory", READER)
    ]
    assert found.done == ()
