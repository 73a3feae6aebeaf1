"""The elements of HTML that are blocks: for reading pages, and for telling what is one."""

from __future__ import annotations

from typing import Final

_BOXES: Final = (
    "article aside blockquote center div dl fieldset figure footer form header main nav ol section"
    " table ul"
)
_LINES: Final = "br dd dt h1 h2 h3 h4 h5 h6 hr li p pre tbody tr"

BOXES: Final = frozenset(_BOXES.split())
"""Blocks that hold blocks, to any depth."""

LINES: Final = frozenset(_LINES.split())
"""What else begins a line, inside of them."""
