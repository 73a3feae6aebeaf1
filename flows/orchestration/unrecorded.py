"""A Prefect server that goes away in the middle: what stands in the lake, told in one line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from flows.orchestration.repeating import REPEATING
from storage import history
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.published import current
from storage.schemas import MmindexError

C = TypeVar("C")
R = TypeVar("R")

log = logging.getLogger(__name__)


class UnrecordedError(MmindexError):
    """The Prefect server went away; what the run did stands, and its end was not recorded."""

    def __init__(self, url: str, stands: str) -> None:
        self.url, self.stands = url, stands
        super().__init__(
            f"the Prefect server at {url} went away: {stands}; how the run ended was not recorded"
            " there"
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What a run may change in a lake: what serves, and how often it was judged."""

    serves: int | None
    entries: int

    @classmethod
    def of(cls, lake: Layout) -> Standing:
        """As it is now; nothing serves where ``CURRENT`` is damaged."""
        try:
            serves = current(lake)
        except CorruptLakeError:
            serves = None
        return cls(serves, len(history.numbers(lake)))

    def since(self, before: Standing) -> str:
        """In words, what became of it."""
        now = "nothing" if self.serves is None else f"snapshot {self.serves}"
        then = "nothing" if before.serves is None else f"snapshot {before.serves}"
        same = self.serves == before.serves
        told = f"{now} serves as before" if same else f"{now} serves now, before it {then} did"
        return told + (", and `mmindex history` has the verdict" if self != before else "")


class Once(logging.Filter):
    """Lets the first of the lines through that Prefect repeats for each event it cannot send."""

    def __init__(self) -> None:
        super().__init__()
        self._said = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether nothing was said yet; what a service says has the whole event in it."""
        if self._said or "failed to process item" in record.getMessage():
            return False
        self._said = True
        return True


@contextmanager
def said_once() -> Iterator[None]:
    """Within, Prefect says once, and not for each event, that its server cannot be reached."""
    loggers, once = [logging.getLogger(name) for name in REPEATING], Once()
    for logger in loggers:
        logger.addFilter(once)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(once)


_RESULTS: Final[ContextVar[list[object] | None]] = ContextVar("results", default=None)


def keep(result: object) -> None:
    """A flow came to this: ``recorded`` answers with it, whatever the server says to its end."""
    results = _RESULTS.get()
    if results is not None:
        results.append(result)


def recorded(flow: Callable[[C], R], config: C) -> R:
    """The result of a flow, also where the server went away before it could record its end."""
    results: list[object] = []
    token = _RESULTS.set(results)
    try:
        return flow(config)
    except Exception as error:
        url = api_url()
        if not results or not _is_of_the_server(error, url):
            raise
        log.warning("the Prefect server at %s went away: the end was not recorded", url)
        return cast(R, results[-1])
    finally:
        _RESULTS.reset(token)


def api_url() -> str:
    """That of the server in use; "" where there is none."""
    from prefect.settings import get_current_settings  # noqa: PLC0415 - a flow has loaded it

    return get_current_settings().api.url or ""


@contextmanager
def telling(lake: Layout | None, url: str) -> Iterator[None]:
    """Within, that the server at ``url`` is gone is an UnrecordedError that says what stands.

    An error of ours, which Prefect could not record, is raised as it is.
    """
    before = None if lake is None else Standing.of(lake)
    try:
        yield
    except Exception as error:
        if not _is_of_the_server(error, url):
            raise
        ours = _ours(error)
        if ours is not None:
            log.warning("the Prefect server at %s went away: the end was not recorded", url)
            raise ours from None
        stands = "`mmindex status` says what serves"
        if lake is not None and before is not None:
            stands = Standing.of(lake).since(before)
        raise UnrecordedError(url, stands) from error


def _is_of_the_server(error: Exception, url: str) -> bool:
    """Whether it tells that a request to the server had no answer."""
    import httpx  # noqa: PLC0415 - loaded with Prefect, once a flow has run

    if not url or not isinstance(error, httpx.TransportError):
        return False
    try:
        return str(error.request.url).startswith(url)
    except RuntimeError:  # it does not know of what
        return False


def _ours(error: BaseException) -> MmindexError | None:
    """The error of ours that Prefect was about to record."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, MmindexError):
        seen = seen.__context__
    return seen
