"""How much counts what is not wanted, where nobody says it."""

from __future__ import annotations

from typing import Final

TEXT_AWAY: Final = 1.0
"""Of a text, beside 1 of one that is wanted."""

ITEM_AWAY: Final = 0.5
"""Of an item, which is like much: at 1, much that is wanted would go with it."""
