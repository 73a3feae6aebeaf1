"""Byte order marks of the charsets of several bytes."""

from __future__ import annotations

import codecs
from typing import Final

WIDE_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Marks and charsets; UTF-32 first, for its little-endian mark begins like that of UTF-16."""
