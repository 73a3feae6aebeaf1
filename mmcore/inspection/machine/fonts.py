"""Fonts: text in an SVG is drawn with those of this machine, and not at all where it has none."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from mmcore.errors import MediaError
from mmcore.inspection.machine.checked import Checked, Checks
from mmcore.media.images.svg import drawn
from mmcore.specs import LimitsSpec
from mmcore.types import Content
from storage.schemas import Modality

_SCRIPTS: Final = {"Latin": "AE", "中文": "猫狗"}
"""Script → two of its letters that look different."""
_SIDE: Final = 64
_PAGE: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">'
    '<text x="8" y="48" font-size="40">{}</text></svg>'
)


def fonts() -> Checks:
    """Whether letters are drawn; nothing where the extra `svg` is not installed: none are."""
    try:
        missing = [name for name, letters in _SCRIPTS.items() if not _told_apart(letters)]
    except MediaError as error:
        if error.reason == "no-renderer":
            return
        raise
    facts = {"scripts": ", ".join(missing)}
    if missing:
        yield Checked("fonts", "warn", "fonts-missing", facts)
    else:
        yield Checked("fonts", "ok", "fonts", facts)


def _told_apart(letters: str) -> bool:
    """Whether each is drawn, and not all as the same box."""
    pictures = {_picture(one) for one in letters}
    return len(pictures) == len(letters) and _picture(" ") not in pictures


def _picture(letter: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="mmindex-") as folder:
        path = Path(folder) / "letter.svg"
        size = path.write_text(_PAGE.format(letter), "utf-8")
        content = Content("", Modality.IMAGE, "image/svg+xml", size, "", path.name, str(path))
        return drawn(content, LimitsSpec.model_validate({}), target=_SIDE).tobytes()
