"""Published weights: where they are fetched from, which version, and what they may be used for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Source = Literal["hub", "torchvision", "torchaudio"]

_NONCOMMERCIAL: Final = re.compile(
    r"(?<![a-z])(nc(?![a-z])|by[-_ ]?nc|non[-_ ]?commercial|(not|no)[-_ ](for[-_ ])?commercial"
    r"|amlr|research|academic(?![-_ ]free)|evaluation|personal[-_ ]use)",
    re.IGNORECASE,
)
UNKNOWN: Final = "not stated"
"""Licence of weights that say nothing of it."""


@dataclass(frozen=True, slots=True)
class Release:
    """One set of weights, as somebody publishes it.

    ``id`` is a hub's ``owner/name``; where the ``source`` is a library's own server, the library's
    name and the architecture: ``torchvision/resnet18``, ``torchaudio/wav2vec2_base``. ``sha256``
    pins files, by name; one that stops after eight digits, as torchvision publishes them, pins the
    beginning.
    """

    source: Source
    id: str
    licence: str  # SPDX, or the licence's name
    revision: str = ""  # a hub's 40 digits
    bytes: int = 0  # of what is fetched, about
    dim: int = 0
    sha256: Mapping[str, str] = field(default_factory=dict)


def is_noncommercial(licence: str) -> bool:
    """Whether a licence's name says that the weights are not for commercial use."""
    return bool(_NONCOMMERCIAL.search(licence))
