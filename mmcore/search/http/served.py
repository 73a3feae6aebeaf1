"""The searcher of one snapshot with what a server shows of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, cast

from mmcore.errors import ConfigError
from mmcore.search.asking.apart import ApartAsker
from mmcore.search.asking.loaded import Loaded
from mmcore.search.http.media.roots import Roots
from mmcore.search.http.media.small import Picture
from mmcore.search.http.settings import Settings
from mmcore.search.http.shelf import Shelf
from mmcore.search.opened.once import Once
from mmcore.search.recent import Recent
from mmcore.search.searcher import Searcher
from mmcore.search.showing.peaks import Peaks
from storage.snapshot import Snapshot
from storage.thumbnails import Thumbnails

_PICTURES: Final = 4000  # thumbnails that are kept, of some 5 kB each
_WAVES: Final = 1000
_CONDITIONS: Final = 1000
_SLOW: Final = 1.0  # seconds of a condition that failed, after which it is not tried again
_REFUSED: Final = 60.0  # seconds for which it is not


class Served(Searcher):
    """A searcher with what a server shows of its snapshot; it ends with the snapshot."""

    def __init__(self, snapshot: Snapshot, asker: ApartAsker, settings: Settings) -> None:
        super().__init__(snapshot, asker)
        self.asker = asker
        self.shelf: Final = Shelf(self._opened.rows)
        self.roots: Final = Roots(snapshot, settings.roots)
        self.pictures: Final[Recent[Picture, bytes]] = Recent(_PICTURES)
        self.waves: Final[Recent[tuple[int, int], Peaks]] = Recent(_WAVES)
        self._refused: Final[Recent[str, tuple[float, str]]] = Recent(_CONDITIONS)
        self._once: Final = Once()

    @property
    def number(self) -> int:
        """The number of its snapshot."""
        return self.snapshot.manifest.number or 0

    def thumbnails(self) -> Thumbnails:
        """Where the small pictures of its segments lie."""
        return self._once.of("thumbnails", lambda: Thumbnails.of(self.snapshot))

    def condition(self, text: str) -> None:
        """Find what passes a condition, and keep it: the search that follows need not wait.

        One that took seconds in vain is refused again at once, for a while.
        """
        self.check_condition(text)
        began = time.monotonic()
        try:
            self._opened.where().items(text)
        except ConfigError as error:
            now = time.monotonic()
            if now - began > _SLOW:
                self._refused.keep({text: (now + _REFUSED, error.args[0])})
            raise

    def check_condition(self, text: str) -> None:
        """Raise ConfigError for a condition that took seconds in vain a moment ago."""
        until, why = self._refused.found([text]).get(text) or (0.0, "")
        if time.monotonic() < until:
            raise ConfigError(why)

    def conditions(self) -> dict[str, tuple[str, ...]]:
        """The columns that a condition can name, by relation."""
        return self._opened.where().columns()


def opener(settings: Settings) -> Callable[[Snapshot], Served]:
    """What makes the searcher of a snapshot for a server; what it shows first is read at once."""
    loaded = Loaded()  # a new snapshot loads no weights that are there

    def opened(snapshot: Snapshot) -> Served:
        asker = ApartAsker.of(snapshot, settings.limits, settings.runtime)
        served = Served(snapshot, loaded.kept(cast("ApartAsker", asker)), settings)
        served.shelf.warm()
        return served

    return opened
