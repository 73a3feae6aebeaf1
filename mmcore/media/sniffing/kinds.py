"""What sniffing answers."""

from __future__ import annotations

from typing import Final

from storage.schemas import Modality

HEAD: Final = 4096
"""Bytes of a file that decide what it is."""

Kind = tuple[Modality, str]
"""A modality and a media type."""

PLAIN: Final = "text/plain"
HTML: Final = "text/html"
SRT: Final = "application/x-subrip"
VTT: Final = "text/vtt"
ASS: Final = "text/x-ssa"
JSON: Final = "application/json"
JSON_LINES: Final = "application/x-ndjson"
CSV: Final = "text/csv"
SVG: Final = "image/svg+xml"
PDF: Final = "application/pdf"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
