"""What a client has already: `If-None-Match` (RFC 9110, 13.1.2)."""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def is_known(said: str | None, etag: str) -> bool:
    """Whether a header names ``etag``, among others or as a weak one; ``*`` names any."""
    if said is None:
        return False
    return said.strip() == "*" or etag in _TAG.findall(said)
