"""The card of fetched weights: what they are, and where they came from (``mmindex.json``)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from mmcore.errors import ConfigError

CARD: Final = "mmindex.json"
"""What ``mmindex encoders fetch`` writes beside the weights."""


class CardFile(BaseModel):
    """One file, as it was fetched."""

    model_config = ConfigDict(frozen=True)

    bytes: int
    sha256: str


class Card(BaseModel):
    """What was fetched, for which preset.

    ``revision``: 40 digits of a hub, or the name that a library gives a set of weights.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    preset: str = ""
    licence: str = ""
    revision: str = ""
    source: str = ""  # URL
    converted: str = ""  # the pickle that the weights were in, and its sha256
    fetched_at: str = ""  # ISO 8601, UTC
    files: dict[str, CardFile] = {}
    beside: dict[str, str] = {}  # repository → revision of files that are from elsewhere


def read_card(folder: Path) -> Card | None:
    """The card of a folder; None where it has none, ConfigError where it is damaged."""
    path = folder / CARD
    if not path.is_file():
        return None
    try:
        return Card.model_validate_json(path.read_bytes())
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise ConfigError(f"{path}: is damaged ({why}): fetch the weights again") from error


def write_card(folder: Path, card: Card) -> None:
    """Write it beside the weights."""
    (folder / CARD).write_text(card.model_dump_json(indent=1) + "\n", "utf-8")
