from datetime import UTC, datetime

import pytest

from mmcore import rows
from mmcore.errors import TooManyBadFilesError
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Rejection
from storage.candidates import blocked
from storage.layout import Layout
from storage.tables import write_rows
from tasks.refusals import refuse_many_bad
from tasks.workplace import Workplace
from tests.factories import entries, files_table, manifest


def rejection(path, stage, reason):
    """A file that could not be used."""
    return Rejection("media", path, None, stage, reason, "no", "sniff 1")


@pytest.fixture
def work(tmp_path):
    """A lake that is not there yet."""
    return Workplace(Layout(tmp_path), "embedded", SegmentationSpec(), LimitsSpec(), RuntimeSpec())


def candidate(work, *rejections):
    """Two files of one item, and a quarantine."""
    tables = {
        "files": files_table(["cat"]),
        "quarantine": rows.quarantine_table(rejections, None, datetime.now(UTC)),
    }
    paths = [p for name, table in tables.items() for p in write_rows(work.lake.rows(name), table)]
    return manifest(files=entries(work.lake, paths), counts={"files": 2})


def test_what_the_crawl_refused_is_one_of_the_files(work):
    """Three of five files are bad: two never became rows, one did, and three others are no media.

    Of the rows alone that would be 150 %.
    """
    bad = candidate(
        work,
        rejection("huge.png", "limits", "too-many-bytes"),
        rejection("locked.png", "crawl", "unreadable"),
        rejection("cat.png", "image", "decode-error"),
        *(rejection(f"{n}.bin", "sniff", "unsupported-type") for n in range(3)),
    )

    refuse_many_bad(bad, work, 0.75)
    with pytest.raises(TooManyBadFilesError, match="3 of 4 files"):
        refuse_many_bad(bad, work, 0.74)


def test_links_and_pipes_are_no_files_that_failed(work):
    """However many there are: one of three files failed, the unreadable one."""
    faults = ("link-outside", "link-to-folder", "link-loop", "dangling-link", "not-a-file")
    bad = candidate(
        work,
        rejection("locked.png", "crawl", "unreadable"),
        *(rejection(fault, "crawl", fault) for fault in faults),
    )

    with pytest.raises(TooManyBadFilesError, match="1 of 3 files"):
        refuse_many_bad(bad, work, 0.3)


def test_the_error_names_the_most_frequent_reasons_each_with_a_file(work):
    """Three of them, by how often they come, with an example and its message."""
    bad = candidate(
        work,
        *(rejection(f"{n}.png", "image", "decode-error") for n in range(3)),
        *(rejection(f"{n}.wav", "audio", "no-samples") for n in range(2)),
        rejection("a.txt", "text", "not-text"),
        rejection("z.mp4", "video", "no-frames"),
    )

    with pytest.raises(TooManyBadFilesError) as many:
        refuse_many_bad(bad, work, 0.5)
    assert many.value.example == (
        "3 image/decode-error, such as 0.png (no); 2 audio/no-samples, such as 0.wav (no);"
        " 1 text/not-text, such as a.txt (no); and 1 more reasons"
    )


def test_what_was_refused_stays_to_be_seen(work):
    """The candidate is kept as one that was blocked, with its quarantine and the reason."""
    bad = candidate(work, rejection("cat.png", "image", "decode-error"))

    with pytest.raises(TooManyBadFilesError):
        refuse_many_bad(bad, work, 0.1)
    (left,) = blocked(work.lake)
    assert (left.run, left.number) == (bad.run, 1)
    assert "1 image/decode-error, such as cat.png" in left.reason


def test_a_file_that_two_encoders_refused_is_one_bad_file(work):
    """Files are counted, not rejections; one of two is no more than half."""
    refuse_many_bad(
        candidate(
            work, rejection("cat.png", "video", "no-frames"), rejection("cat.png", "audio", "odd")
        ),
        work,
        0.5,
    )
