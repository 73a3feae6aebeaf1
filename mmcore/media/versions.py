"""Versions of decoding and cutting, by medium: raised when another array, text or span comes out.

Each encoder's fingerprint holds those of the media it reads, so that old and new never mix.
"""

from __future__ import annotations

from typing import Final

IMAGE: Final = 1
TEXT: Final = 1
AUDIO: Final = 1
VIDEO: Final = 1
