"""What a folder of weights says of its licence."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mmcore.encoders.weights.cards import read_card
from mmcore.encoders.weights.releases import UNKNOWN, Release

_FIELDS: Final = ("license_name", "license")  # of a model card; "other" has a name beside it
SAYS_NOTHING: Final = frozenset({"", "other", "unknown", UNKNOWN})


def licence_of(path: Path, release: Release | None) -> str:
    """What the folder's card says, else the front matter of its README, else the release."""
    folder = path if path.is_dir() else path.parent
    card = read_card(folder)
    said = (card.licence if card else "", stated(folder / "README.md"))
    found = next((one for one in said if one.lower() not in SAYS_NOTHING), "")
    return found or (release.licence if release is not None else UNKNOWN)


def stated(readme: Path) -> str:
    """The licence in the front matter of a hub's README; empty where it states none."""
    if not readme.is_file():
        return ""
    fields = _front(readme.read_text("utf-8-sig", "replace").splitlines())
    found = (fields.get(name, "") for name in _FIELDS)
    return next((one for one in found if one.lower() not in SAYS_NOTHING), "")


def _front(lines: list[str]) -> dict[str, str]:
    """The top fields of the YAML between the first two lines of ``---``; of a list, its first."""
    bare = [line.rstrip() for line in lines]
    if bare[:1] != ["---"] or "---" not in bare[1:]:
        return {}
    fields: dict[str, str] = {}
    name = ""
    for line in bare[1 : bare.index("---", 1)]:
        key, colon, value = line.partition(":")
        if line.startswith(("-", " ")):
            if name and not fields[name] and line.lstrip().startswith("- "):
                fields[name] = _bare(line.lstrip()[2:])
        elif colon:
            name = key.strip()
            fields[name] = _bare(value)
    return fields


def _bare(value: str) -> str:
    """A YAML scalar, or the first of a list in brackets, without comment and quotes."""
    text = value.partition(" #")[0].strip().removeprefix("[").removesuffix("]")
    return text.partition(",")[0].strip().strip("'\"")
