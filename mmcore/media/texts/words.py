"""Word boundaries in Chinese and English, by jieba."""

from __future__ import annotations

import functools
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from typing import Any, Final

_HAN: Final = re.compile("[\u3400-\u9fff]")
_SPACED: Final = re.compile(r"\S*\s*")
_import_lock: Final = threading.Lock()


def ends(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of the words of ``text`` in code points; with spaces they tile it."""
    if not _HAN.search(text):
        yield from (m.span() for m in _SPACED.finditer(text) if m.group())
        return
    position = 0
    for word in _tokenizer().cut(text):
        yield position, position + len(word)
        position += len(word)


def _tokenizer() -> Any:
    with _import_lock:
        return _load()


@functools.cache
def _load() -> Any:
    """Make jieba's tokenizer, quietly, without its cache: a marshal file in a shared folder."""
    with warnings.catch_warnings():  # invalid escapes and pkg_resources in jieba 0.42.1
        warnings.simplefilter("ignore")
        import jieba  # noqa: PLC0415 - slow to import, seldom needed
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer
