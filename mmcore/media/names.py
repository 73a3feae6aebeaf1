"""What a file's name says: its key, its number, its language."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from mmcore.paths import printable
from mmcore.types import MediaFile
from storage.schemas import Modality

LANGUAGES: Final = {
    "zh": ("zh", "zho", "chi", "cmn", "cn", "chs", "cht", "chinese", "zh-cn", "zh-tw", "zh-hk",
           "zh-mo", "zh-sg", "zh-hans", "zh-hant", "zh-hans-cn", "zh-hant-tw", "zh-hant-hk"),
    "en": ("en", "eng", "en-us", "en-gb", "en-au", "en-ca", "en-in", "english"),
}  # fmt: skip
"""Language suffixes of text files (``cat.zh.txt``) and the names a manifest may use."""

_LANGUAGE_OF: Final = {name: language for language, names in LANGUAGES.items() for name in names}
_EXTENSION: Final = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,8}$")
_KINDS: Final = (
    "image|picture|text|caption|audio|sound|video"
    "|图片|图像|照片|相片|文本|文字|说明|音频|声音|录音|视频|录像|影片"
)
_NUMBERED: Final = re.compile(rf"(?:{_KINDS})[ _-]?(\d+)", re.IGNORECASE)


def language_of(name: str) -> str:
    """``zh_TW`` → ``zh``, ``en-GB`` → ``en``; any other name in lower case as it is."""
    folded = name.strip().lower().replace("_", "-")
    return _LANGUAGE_OF.get(folded, folded)


def readable(name: str) -> str:
    """NFC, with bytes that are not UTF-8 written as escapes, so that any table can hold it."""
    return printable(name if name.isascii() else unicodedata.normalize("NFC", name))


def stem(file: MediaFile) -> tuple[str, str | None]:
    """(path without extension and language suffix, language): a suffix counts on texts alone."""
    return _stem(file.path, file.modality is Modality.TEXT)


@lru_cache(maxsize=8)  # language, number and stem of one file are asked for one after the other
def _stem(path: str, is_text: bool) -> tuple[str, str | None]:
    folder, slash, name = readable(path).rpartition("/")
    bare = _EXTENSION.sub("", name)
    if is_text:
        head, dot, tail = bare.rpartition(".")
        language = _LANGUAGE_OF.get(tail.lower().replace("_", "-")) if dot and head else None
        if language is not None:
            return f"{folder}{slash}{head}", language
    return f"{folder}{slash}{bare}", None


def likely_key(path: str) -> str:
    """What files of one item have in common, whatever they are: nothing but the name is looked at.

    ``a/image_07.jpg`` and ``a/text_7.zh.txt`` → ``a/7``, ``a/cat.jpg`` and ``a/cat.zh.txt`` →
    ``a/cat``.
    """
    bare, _ = _stem(path, True)
    folder, slash, name = bare.rpartition("/")
    found = _NUMBERED.fullmatch(name)
    return f"{folder}{slash}{found.group(1).lstrip('0') or '0'}" if found else bare


def number(file: MediaFile) -> str | None:
    """``a/image_07.jpg`` and ``a/text_7.zh.txt`` → ``a/7``; None for other names."""
    folder, slash, name = stem(file)[0].rpartition("/")
    found = _NUMBERED.fullmatch(name)
    return f"{folder}{slash}{found.group(1).lstrip('0') or '0'}" if found else None
