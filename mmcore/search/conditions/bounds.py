"""What a condition may take, and what its relations are called."""

from __future__ import annotations

from typing import Final

SECONDS: Final = 5.0
"""What each of its two steps, parsing and running, may take."""

MOST_BYTES: Final = 1 << 30
"""Of memory that its process may have, beside the columns."""

NO_MEMORY: Final = 70
"""Exit code of a process that reached that bound."""

MOST_CHARS: Final = 10_000

ITEMS: Final = "items"
FILES: Final = "files"
LABELS: Final = "labels"

PLACE: Final = "§place"
"""The column by which relations are joined: which item, from 0. No condition can name it."""
