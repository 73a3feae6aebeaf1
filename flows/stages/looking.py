"""That the sources were looked at: a note, which `mmindex evaluate --max-age` reads."""

from __future__ import annotations

import logging

from storage import looked
from storage.layout import Layout
from storage.places.stores import is_store_error

log = logging.getLogger(__name__)


def note_look(
    lake: Layout, number: int | None, seen: str | None = None, tombstones: str = ""
) -> None:
    """Note that an index run ended well; a lake that cannot be written to only warns.

    ``seen``: what it saw, where all that it would publish of that serves already, with the
    ``tombstones`` that it heeded.
    """
    if number is None:
        return
    try:
        looked.note(lake, number, seen=seen, tombstones=tombstones)
    except Exception as error:
        if not isinstance(error, OSError) and not is_store_error(error):
            raise
        log.warning("%s is not written (%s): the lake will seem stale", lake.looked, error)
