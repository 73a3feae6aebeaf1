import logging

import pytest

from mmcore.errors import MediaError, NothingToLearnError
from mmcore.training.dataset.faults import Faults
from mmcore.types import Content
from storage.schemas import Modality

ERROR = MediaError("image", "decode-error", "no picture")


def contents(count: int) -> list[Content]:
    """Pictures by number."""
    return [
        Content(str(n), Modality.IMAGE, "image/png", 1, "media", f"{n}.png", f"/{n}.png")
        for n in range(count)
    ]


def test_a_broken_file_is_told_once(caplog):
    """It is logged the first time, and counted once."""
    found = contents(3)
    faults = Faults("picture", found)
    with caplog.at_level(logging.WARNING):
        faults.read(found[0])
        faults.fail(found[1], ERROR)
        faults.fail(found[1], ERROR)

    assert faults.count == 1
    assert [record.getMessage() for record in caplog.records] == [
        "1.png: left out, image: decode-error: no picture"
    ]


@pytest.mark.parametrize(("count", "tried"), [(2, 2), (30, 20)])
def test_where_all_fail_there_is_no_going_on(count, tried):
    """When all files, or the first twenty that were tried, cannot be read, that is an error."""
    found = contents(count)
    faults = Faults("picture", found)
    for content in found[: tried - 1]:
        faults.fail(content, ERROR)

    with pytest.raises(NothingToLearnError, match=f"none of {tried} picture files"):
        faults.fail(found[tried - 1], ERROR)


def test_one_good_file_is_enough():
    """Where any file was read, the others are left out one by one."""
    found = contents(40)
    faults = Faults("picture", found)
    faults.read(found[0])
    for content in found[1:]:
        faults.fail(content, ERROR)

    assert faults.count == 39


def test_what_is_only_tried_on_may_fail_as_a_whole(caplog):
    """It is told once, and there is a going on."""
    found = contents(3)
    faults = Faults("picture", found, needed=False)
    for content in (*found, *found):
        faults.fail(content, ERROR)

    assert caplog.text.count("picture files could be read") == 1
