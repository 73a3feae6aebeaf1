"""Chinese in traditional characters → the same in simplified ones."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any, Final

from mmcore.media.texts.language import HAN

_HAN: Final = re.compile(f"[{HAN}]")
_PARTICLE: Final = re.compile(  # 著 that is no part of a word for "known" or "written"
    "(?<![名原专巨论编合译遗新显卓昭土拙撰所])著(?![名作者称述录书])"
)
_lock: Final = threading.Lock()


def simplified(text: str) -> str:
    """``text`` in simplified characters, by OpenCC's phrases and characters.

    Taiwan writes the particle 着 as 著 (騎著車), which OpenCC leaves: it is folded too. What has
    no traditional character stays as it is, and a text without Han loads nothing. Any number of
    threads may ask; linear.
    """
    if not _HAN.search(text):
        return text
    with _lock:
        converter = _converter()
    return _PARTICLE.sub("着", str(converter.convert(text)))


@cache
def _converter() -> Any:
    from opencc import OpenCC  # noqa: PLC0415 - its dictionaries; a text without Han needs none

    return OpenCC("t2s")
