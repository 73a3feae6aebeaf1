"""What a folder of weights says of its licence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.weights.cards import read_card
from mmcore.encoders.weights.releases import UNKNOWN, Release, is_noncommercial

_FIELDS: Final = ("license_name", "license")  # of a model card; "other" has a name beside it
_FOLDED: Final = frozenset({">", ">-", ">+", "|", "|-", "|+"})
_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
SAYS_NOTHING: Final = frozenset({"", "null", "~", "other", "unknown", UNKNOWN})


def licence_of(path: Path, release: Release | None) -> str:
    """What the folder's card says, else the front matter of its README, else the release.

    One line: cards of what is trained upon it repeat it in their front matter.
    """
    folder = path if path.is_dir() else path.parent
    card = read_card(folder)
    said = (card.licence if card else "", stated(folder / "README.md"))
    lines = (" ".join(one.split()) for one in said)
    found = next((one for one in lines if one.lower() not in SAYS_NOTHING), "")
    return found or (release.licence if release is not None else UNKNOWN)


def stated(readme: Path) -> str:
    """The licence in the front matter of a hub's README; empty where it states none."""
    if not readme.is_file():
        return ""
    return licence_in(_front(readme.read_text("utf-8-sig", "replace").splitlines()))


def licence_in(fields: Mapping[str, Any]) -> str:
    """The licence of a model card; of several the strictest, empty where it states none.

    One that is called "other" has a name beside it.
    """
    told = (_several(fields.get(name)) for name in _FIELDS)
    said = [one for several in told for one in several if one.lower() not in SAYS_NOTHING]
    return next(filter(is_noncommercial, said), said[0] if said else "")


def _several(value: object) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [str(one).strip() for one in found if one is not None]


def _front(lines: list[str]) -> dict[str, list[str]]:
    """The top fields of the YAML between the first two lines of ``---``, each as a list.

    Words, quoted ones, lists in both forms, and text that is folded over lines.
    """
    bare = [line.rstrip() for line in lines]
    if bare[:1] != ["---"] or "---" not in bare[1:]:
        return {}
    fields: dict[str, list[str]] = {}
    inside: list[str] = []
    for line in bare[1 : bare.index("---", 1)]:
        key, colon, value = line.partition(":")
        if line.startswith(("-", " ")):
            inside.append(line.strip())
        elif colon:
            inside = fields[key.strip().strip("'\"")] = [value.strip()]
    return {name: _values(inside) for name, inside in fields.items()}


def _values(lines: list[str]) -> list[str]:
    """The scalars of one field: the text behind its colon, and the lines below it."""
    first, *below = (_COMMENT.sub("", line).strip() for line in lines)
    if first in _FOLDED or (not first and not any(one.startswith("-") for one in below)):
        return [_bare(" ".join(below))]
    whole = " ".join([first, *below])
    if first.startswith("["):
        return [_bare(one) for one in whole.strip("[] ").split(",")]
    if first:
        return [_bare(whole)]
    return [_bare(one.removeprefix("-")) for one in below]


def _bare(value: str) -> str:
    return value.strip().strip("'\"")
