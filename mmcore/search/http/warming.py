"""What a server does before anybody asks, so that the first who asks does not wait for it."""

from __future__ import annotations

import logging
import threading
from base64 import b64decode
from concurrent.futures import CancelledError, Future
from contextlib import nullcontext
from typing import Final, Protocol

from mmcore.search.folders import Folder
from mmcore.search.http.answering import Answered, WithFile, answer_with_file
from mmcore.search.http.served import Served
from mmcore.search.request import Part, SearchRequest
from storage.schemas import Modality

log = logging.getLogger(__name__)

_TEXT: Final = "mmindex 图文搜索"  # Chinese words too
_PICTURE: Final = b64decode(  # one grey pixel, as PNG
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


class Warmed(Protocol):
    """A server that is warmed, as ``mmcore.search.http.serving.Serving`` is one."""

    def asked(self, request: SearchRequest) -> Future[Answered]:
        """What the answer to a search will be."""

    def served(self) -> Served:
        """The searcher of the snapshot that serves now."""


class Warming:
    """Loads in a thread what the first search by text needs, then what the first picture does."""

    def __init__(self, server: Warmed) -> None:
        self._server = server
        self._thread = threading.Thread(target=self._load, name="warming", daemon=True)

    def start(self) -> None:
        """Begin; what goes wrong is logged."""
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Wait until it is done, at most so long."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _load(self) -> None:
        try:
            first = SearchRequest(parts=(Part(text=_TEXT),), k=1)
            self._server.asked(first).result()
            warm_uploads(self._server.served())
        except CancelledError:  # the server ends
            return
        except Exception as error:  # noqa: BLE001 - whoever asks is told by the server
            log.warning("the first search failed: %s", error)


def warm_uploads(served: Served) -> None:
    """Ask with a picture of one pixel, as who uploads one does: a decoding process is started.

    The encoder's weights are loaded too. Nothing is done for a lake that no picture can ask.
    """
    if served.snapshot.manifest.encoder(Modality.IMAGE) is None:
        return
    with Folder("query") as folder:
        path = folder.path / "pixel.png"
        path.write_bytes(_PICTURE)
        request = SearchRequest(parts=(Part(media=str(path)),), k=1)
        answer_with_file(served, WithFile(path, None, request), nullcontext())
