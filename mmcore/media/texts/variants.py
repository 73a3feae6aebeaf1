"""Chinese in traditional characters → the same in simplified ones."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any, Final

_HAN: Final = re.compile("[\u2e80-\u2fdf\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_lock: Final = threading.Lock()


def simplified(text: str) -> str:
    """``text`` in simplified characters, by OpenCC's phrases and characters.

    What has no traditional character comes back as it is. A text without Han loads nothing.
    """
    if not _HAN.search(text):
        return text
    with _lock:
        converter = _converter()
    return str(converter.convert(text))


@cache
def _converter() -> Any:
    from opencc import OpenCC  # noqa: PLC0415 - its dictionaries; a text without Han needs none

    return OpenCC("t2s")
