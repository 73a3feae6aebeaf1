from datetime import UTC, datetime

import pytest

from mmcore import rows
from mmcore.errors import TooManyBadFilesError
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Rejection
from storage.layout import Layout
from storage.tables import write_rows
from tasks.candidate import refuse_many_bad
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


def test_a_file_that_two_encoders_refused_is_one_bad_file(work):
    """Files are counted, not rejections; one of two is no more than half."""
    refuse_many_bad(
        candidate(
            work, rejection("cat.png", "video", "no-frames"), rejection("cat.png", "audio", "odd")
        ),
        work,
        0.5,
    )
