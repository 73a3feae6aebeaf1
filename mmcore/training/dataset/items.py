"""Items as a training sees them: their contents, captions, and what splits and labels go by."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmcore.encoders.heads import LANGUAGES, language_of
from mmcore.types import Content


@dataclass(frozen=True, slots=True)
class Caption:
    """A text of an item, or a chunk of a long one."""

    text: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """One text content: its chunks in order, and the key that the whole of it goes by."""

    key: str  # "" of a text that has no letter
    captions: tuple[Caption, ...]


@dataclass(frozen=True, slots=True)
class MediaItem:
    """An item with what can be read of it; contents and texts by path."""

    item_id: int
    key: str
    place: str  # path of its first file below the root; "" where it has captions alone
    pictures: tuple[Content, ...] = ()
    sounds: tuple[Content, ...] = ()
    texts: tuple[Text, ...] = ()
    told: tuple[str, ...] = ()  # labels that a manifest gives it
    split: str | None = None  # that a manifest gives it
    files: tuple[tuple[str, str], ...] = ()  # modality and path of those that are files

    @property
    def has(self) -> tuple[bool, bool, bool]:
        """Whether it has a picture, a text, a sound."""
        return bool(self.pictures), bool(self.texts), bool(self.sounds)

    @property
    def captions(self) -> tuple[Caption, ...]:
        """All captions, by path of their texts."""
        return tuple(caption for text in self.texts for caption in text.captions)

    @property
    def caption_key(self) -> str:
        """The key of its first caption, English ones first."""
        return min(self._ranked(), default=(0, ""))[1]

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all its captions; of one without, that of its first content's bytes."""
        found = frozenset(key for _, key in self._ranked())
        if found:
            return found
        contents = sorted(one.content_id for one in (*self.pictures, *self.sounds))
        return frozenset(f"content/{name}" for name in contents[:1])

    @property
    def leaks(self) -> frozenset[str]:
        """What must not be on two sides of a split: its keys, and all its pictures and sounds."""
        contents = (f"content/{one.content_id}" for one in (*self.pictures, *self.sounds))
        return self.keys | frozenset(contents)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that its first file lies in, without one that is the item itself."""
        return self._above(self.place)

    @property
    def homes(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The modality of each file, and the folders that it lies in, as ``folders`` has them."""
        return tuple((modality, self._above(path)) for modality, path in self.files)

    def _above(self, path: str) -> tuple[str, ...]:
        folder = posixpath.dirname(path)
        if folder == self.key:
            folder = posixpath.dirname(folder)
        return tuple(folder.split("/")) if folder else ()

    def _ranked(self) -> list[tuple[int, str]]:
        return [
            (LANGUAGES.index(language_of(caption.language)), text.key)
            for text in self.texts
            if text.key
            for caption in text.captions
        ]


@dataclass(frozen=True, slots=True)
class Gathered:
    """All items of a folder or a lake that have a picture, a text or a sound."""

    source: str
    items: tuple[MediaItem, ...]
    without: int = 0  # items that have none of these
    missing: Mapping[str, int] = field(default_factory=dict)
    """By modality: files that are not where the lake says, or have changed since."""
    unreadable: Mapping[str, int] = field(default_factory=dict)
    """Texts that could not be read, and as ``other`` files that a crawl refused."""
