"""What is known of a content's work before it is decoded."""

import pytest

from mmcore.types import Content, EncoderKey, Shard
from storage.schemas import Modality
from tasks.effort import TYPICAL_BYTE_SECONDS, effort, expected_seconds, rates_of

TEXT = EncoderKey(Modality.TEXT, "word", "f", "word", 8, (Modality.TEXT, Modality.VIDEO))
IMAGE = EncoderKey(Modality.IMAGE, "eye", "f", "eye", 8, (Modality.IMAGE,))


def content(size, modality=Modality.TEXT, media_type="text/plain"):
    """One of so many bytes."""
    return Content(str(size), modality, media_type, size, "root", "path", "path")


def test_a_text_takes_as_long_as_it_has_bytes():
    """A book of 300 kB takes as long as 3,000 captions of 100 bytes, however it is cut."""
    book = expected_seconds(content(300_000), TEXT, {})
    captions = 3_000 * expected_seconds(content(100), TEXT, {})

    assert book == pytest.approx(captions) == pytest.approx(300_000 * TYPICAL_BYTE_SECONDS)


def test_a_picture_is_a_picture_of_whatever_size():
    """One segment."""
    assert effort(content(10, Modality.IMAGE), IMAGE) == 1
    assert effort(content(10**7, Modality.IMAGE), IMAGE) == 1


def test_what_a_run_took_tells_the_next_one():
    """Captions took 2 s for 1,000 bytes: a book of 100,000 bytes takes 200 s."""
    rates = rates_of(TEXT, [Shard(TEXT, (content(600), content(400)))], 2.0, 10)

    assert rates == {"word": 0.2, "word/byte": 0.002}
    assert expected_seconds(content(100_000), TEXT, rates) == pytest.approx(200.0)


def test_of_other_contents_a_segment_is_told_alone():
    """Subtitles of videos have no bytes of text that are known; pictures have none at all."""
    videos = Shard(TEXT, (content(600), content(10**6, Modality.VIDEO)))

    assert set(rates_of(TEXT, [videos], 2.0, 10)) == {"word"}
    assert set(rates_of(IMAGE, [Shard(IMAGE, (content(1, Modality.IMAGE),))], 2.0, 1)) == {"eye"}
    assert rates_of(TEXT, [videos], 2.0, 0) == {}


def test_a_lake_of_old_knows_a_segment_alone():
    """350 bytes are about one."""
    assert expected_seconds(content(700), TEXT, {"word": 0.5}) == 3 * 0.5


def test_a_part_of_a_packed_file_is_text():
    """Of a PDF less than of a plain text."""
    assert effort(content(1000, media_type="application/pdf"), TEXT) < 1000
