"""What a person names, to see or to forget it: places and items as the tables have them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from mmcore.media.urls import below, is_remote
from mmcore.paths import original, printable
from mmcore.privacy import Veil
from storage import schemas
from storage.erasure.holdings import Place
from storage.keys import keyed, read_key
from storage.layout import Layout
from storage.manifest import Manifest
from storage.places.place import place_of


@dataclass(frozen=True, slots=True)
class Names:
    """The roots of some snapshots, and how their names stand in the tables."""

    roots: frozenset[tuple[str, str]]  # alias, URL (hashed in a private lake)
    veil: Veil | None

    @classmethod
    def of(cls, lake: Layout, manifests: Iterable[Manifest]) -> Names:
        """The roots that ``manifests`` name; in a private lake names are hashed by its key."""
        kept = list(manifests)
        roots = {root for one in kept for root in one.sources.items()}
        private = any(one.private for one in kept)
        key = read_key(lake) if private else None
        return cls(frozenset(roots), None if key is None else Veil(partial(keyed, key)))

    def places(self, text: str) -> set[Place]:
        """The places that ``ROOT/path``, a path on disk or a URL may mean."""
        named = {*self._below_alias(text), *self._below_folder(text)}
        return {(root, self._path(root, path)) for root, path in named}

    def keys(self, text: str) -> set[tuple[str, str]]:
        """The aliases and keys of the items that ``ROOT/KEY`` may mean."""
        return {(root, self._key(root, key)) for root, key in self._below_alias(text)}

    def items(self, text: str) -> set[int]:
        """The ids of the items that ``ROOT/KEY`` may mean."""
        return {schemas.item_id(*pair) for pair in self.keys(text)}

    def files(self, text: str) -> list[Path]:
        """Where ``text`` may lie now: as it is, or below a root whose folder is known."""
        known = () if self.veil is not None else self.roots
        below = [
            f"{url}/{original(text[len(alias) + 1 :])}"
            for alias, url in known
            if text.startswith(f"{alias}/")
        ]
        return [place_of(one) for one in (text, *sorted(below))]

    def _key(self, root: str, key: str) -> str:
        plain = printable(unicodedata.normalize("NFC", key))
        return plain if self.veil is None else self.veil.key(root, plain)

    def _path(self, root: str, path: str) -> str:
        return printable(path) if self.veil is None else self.veil.path(root, path)

    def _below_alias(self, text: str) -> Iterator[Place]:
        """``ROOT/path``: the alias is the folder's own name, or the one that was given."""
        for alias, _ in self.roots:
            if text.startswith(f"{alias}/"):
                yield alias, original(text[len(alias) + 1 :])
        head, slash, rest = text.partition("/")
        hidden = "" if self.veil is None else self.veil.alias(head)
        if slash and any(alias == hidden for alias, _ in self.roots):
            yield hidden, original(rest)

    def _below_folder(self, text: str) -> Iterator[Place]:
        if is_remote(text):
            forms = {text}
        else:  # also of a file that is gone, or a link
            path = Path(text).expanduser().absolute()
            forms = {os.path.normpath(path), str(Path(os.path.realpath(path.parent), path.name))}
            forms.add(os.path.realpath(path))
        for form in forms:
            for alias, url in self.roots:
                inner = self._inside(form, url)
                if inner:
                    yield alias, inner

    def _inside(self, form: str, url: str) -> str | None:
        if self.veil is None:
            return below(form, url)
        for folder in PurePosixPath(form).parents:  # whose hash is it
            if self.veil.url(str(folder)) == url:
                return str(PurePosixPath(form).relative_to(folder))
        return None
