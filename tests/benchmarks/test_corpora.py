"""Which members of an archive are unpacked."""

from pathlib import PurePosixPath

import pytest

from benchmarks.corpora import below


def test_a_member_is_named_from_the_folder_that_is_wanted():
    """The path of a member begins below the folder."""
    assert below("Tests/images/a/b.png", "Tests/images") == PurePosixPath("a/b.png")


@pytest.mark.parametrize(
    "path",
    [
        "Tests/imagesb.png",
        "docs/a.png",
        "Tests/images/../../evil",
        "../Tests/images/a",
        "/Tests/images/a.png",
        "Tests/images/helper.py",
    ],
)
def test_nothing_else_is_unpacked(path):
    """A member elsewhere, one that climbs out, and a program are left where they are."""
    assert below(path, "Tests/images") is None
