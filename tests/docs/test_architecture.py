"""docs/architecture.md shows the code as it is."""

from __future__ import annotations

import re

import pytest

from tests.docs.blocks import ROOT

ROOMS = ("flows", "tasks", "mmcore", "storage")
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
FILES = {
    path.relative_to(ROOT).as_posix()
    for room in ROOMS
    for path in (ROOT / room).rglob("*")
    if path.suffix in {".py", ".toml"}
}
NAMED = sorted(set(re.findall(r"`([\w./]+\.(?:py|toml))`", PAGE)))
PLACES = sorted(set(re.findall(rf"`((?:{'|'.join(ROOMS)})/[\w/]*)`", PAGE)))


@pytest.mark.parametrize("name", NAMED)
def test_a_file_of_the_page_is_there(name):
    """By its whole path, or by its name where the rest of the path stands before it."""
    whole = name.partition("/")[0] in ROOMS
    short = not whole and any(one.endswith(f"/{name}") for one in FILES)
    assert short or (ROOT / name).is_file()


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_of_the_page_is_there(place):
    """Rooms are not told of that no longer exist."""
    assert (ROOT / place).is_dir()
