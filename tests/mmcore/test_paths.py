import os

import pytest

from mmcore.paths import original, printable

NAMES = {
    b"plain.png": "plain.png",
    "照片.png".encode(): "照片.png",
    b"caf\xe9.png": r"caf\xe9.png",
    rb"caf\xe9.png": r"caf\\xe9.png",
    rb"caf\\xe9.png": r"caf\\\\xe9.png",
    rb"C:\x1.png": r"C:\x1.png",
    b"\\\xff": r"\\\xff",
    b"\xff\\": r"\xff\\",
}


@pytest.mark.parametrize("raw", NAMES)
def test_a_name_that_is_not_utf_8_stands_with_the_escapes_of_its_bytes(raw):
    """A backslash is doubled only where the name has such bytes, or what looks like one."""
    assert printable(os.fsdecode(raw)) == NAMES[raw]


@pytest.mark.parametrize("raw", NAMES)
def test_a_name_can_be_told_from_its_text(raw):
    """So no two names have one text; the name itself is known too."""
    name = os.fsdecode(raw)

    assert original(NAMES[raw]) == name
    assert "\udce9" not in name or original(name) == name
