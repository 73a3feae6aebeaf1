"""The writer's lock of a lake in an object store: a lease, that is, a lock that ends by itself.

``LOCK`` says who holds it and until when. It is made only where there is none, renewed while its
holder lives, and taken over by a conditional put once it has run out. A holder that lost it finds
out before it publishes or removes (``still_held``), or by the conditional put of ``CURRENT``.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from storage.errors import LakeLockedError
from storage.layout import Layout
from storage.places.conditional import Seen, create, honoured, look, swap
from storage.places.place import remove
from storage.places.stores import is_store_error

TERM: Final = timedelta(seconds=120)  # so long a dead holder keeps others out
_RENEWAL: Final = 20.0  # seconds
_SKEW: Final = timedelta(seconds=30)  # by which the clocks of two machines may differ
_POLL: Final = 1.0  # seconds

log = logging.getLogger(__name__)


@contextmanager
def lease(layout: Layout, wait: float, myself: Mapping[str, str | int]) -> Iterator[None]:
    """Hold the remote lake for writing; waits ``wait`` seconds at most, then LakeLockedError."""
    mine = _Lease(layout, myself)
    mine.acquire(wait)
    ended = threading.Event()
    renewing = threading.Thread(target=mine.keep, args=(ended,), daemon=True, name="lake-lease")
    _HELD[str(layout.root)] = mine
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        del _HELD[str(layout.root)]
        mine.release()


def still_held(layout: Layout) -> None:
    """Raise LakeLockedError when this process held the lake's lease and another has it now.

    A process that never had it is not asked: who writes without the lock says so itself.
    """
    mine = _HELD.get(str(layout.root))
    if mine is not None and not mine.renew():
        raise LakeLockedError(layout.root, mine.holder())


def say_waiting(holder: str, wait: float) -> None:
    """Say for whom a run waits, and how long; not for which lake, which may be private."""
    log.warning("the lake is being written by %s: waiting, %g s at most", holder, wait)


class _Lease:
    """One try to hold one lake."""

    def __init__(self, layout: Layout, myself: Mapping[str, str | int]) -> None:
        self._layout = layout
        self._token = uuid4().hex
        self._myself = dict(myself)
        self._writing = threading.Lock()  # the renewing thread, and who asks before publishing

    def acquire(self, wait: float) -> None:
        """Take the lease, at once or within ``wait`` seconds."""
        deadline = time.monotonic() + wait
        said = False
        while not self._taken():
            left = deadline - time.monotonic()
            if left <= 0:
                raise LakeLockedError(self._layout.root, self.holder())
            if not said:
                said = True
                say_waiting(self.holder(), wait)
            time.sleep(min(_POLL, left))

    def _taken(self) -> bool:
        lock, note = self._layout.lock, self._note()
        if create(lock, note):
            if not honoured(lock, note):
                say = "%s: this store ignores conditional puts; let one run at a time write to it"
                log.warning(say, self._layout.root)
            return True
        seen = look(lock)
        return _ended(seen) and swap(lock, self._note(), seen)

    def keep(self, ended: threading.Event) -> None:
        """Renew until ``ended``; a store that cannot be reached is tried again."""
        while not ended.wait(_RENEWAL):
            try:
                if not self.renew():
                    log.warning("%s: lost to %s", self._layout.lock, self.holder())
                    return
            except Exception as error:
                if not (isinstance(error, OSError) or is_store_error(error)):
                    raise
                log.warning("%s: not renewed (%s)", self._layout.lock, error)

    def renew(self) -> bool:
        """Let the lease run for another term; False when it is not this process's any more."""
        with self._writing:
            seen = look(self._layout.lock)
            if _told(seen).get("token") != self._token:
                return False
            return swap(self._layout.lock, self._note(), seen)

    def release(self) -> None:
        """Give the lease back if it is still held; one that cannot be reached runs out."""
        try:
            if _told(look(self._layout.lock)).get("token") == self._token:
                remove([self._layout.lock])
        except Exception as error:
            if not (isinstance(error, OSError) or is_store_error(error)):
                raise
            log.warning("%s: %s; it runs out by itself", self._layout.lock, error)

    def holder(self) -> str:
        """Who holds the lease, for people."""
        told = _told(look(self._layout.lock))
        try:
            who = f"process {told['pid']} on {told['host']} since {told['since']}"
            until = datetime.fromisoformat(told["expires_at"]) + _SKEW
            return f"{who} (if that one has died: until {until.isoformat()})"
        except (KeyError, ValueError, TypeError):
            return "another process"  # it has just begun, or just ended

    def _note(self) -> bytes:
        until = (datetime.now(UTC) + TERM).isoformat(timespec="seconds")
        told = {**self._myself, "expires_at": until, "token": self._token, "renewal": uuid4().hex}
        return json.dumps(told, indent=1).encode()


_HELD: Final[dict[str, _Lease]] = {}  # by the lake's URL, of this process


def _told(seen: Seen) -> dict[str, Any]:
    """What a lease says; nothing where there is none, or none of ours."""
    try:
        told = json.loads(seen.data or b"{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _ended(seen: Seen) -> bool:
    """Whether a lease has run out, on anybody's clock; one that says no time has."""
    try:
        until = datetime.fromisoformat(str(_told(seen).get("expires_at")))
        return datetime.now(UTC) > until + _SKEW
    except (ValueError, TypeError):
        return True
