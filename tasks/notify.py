"""Tell people what the gate said: by Apprise, or by a notification block of Prefect's."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import threading
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import SecretStr

log = logging.getLogger(__name__)

SECONDS: Final = 10.0
"""How long all of them may take together; a service that hangs holds up no run."""

BLOCK: Final = "block:"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LOGGERS: Final = ("apprise", "urllib3", "requests", "httpx", "httpcore")
"""Their lines quote URLs; the token of a webhook is part of its path."""

Kind = Literal["info", "success", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Message:
    """What is told: numbers and names of directions, and nothing of what a lake holds."""

    title: str
    body: str
    kind: Kind = "failure"


def send(entries: Sequence[SecretStr], message: Message, seconds: float = SECONDS) -> list[str]:
    """Tell everyone of ``entries`` at once; returns who could not be told, masked, and why.

    An entry is an Apprise URL (``jsons://…``, ``mailtos://…``), or ``block:<type>/<name>`` of a
    notification block. Whatever goes wrong is a warning: no verdict depends on it.
    """
    failed: dict[int, str] = dict.fromkeys(range(len(entries)), f"no answer in {seconds:.0f} s")

    def tell(place: int, entry: str) -> None:
        try:
            why = _by_block(entry, message) if entry.startswith(BLOCK) else _by_url(entry, message)
        except Exception as error:  # noqa: BLE001 - a service's client raises anything
            why = type(error).__name__  # its message may quote the URL
        failed[place] = why

    told = [entry.get_secret_value() for entry in entries]
    threads = [
        threading.Thread(target=tell, args=(place, entry), daemon=True)
        for place, entry in enumerate(told)
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    lines = [f"{masked(told[place])}: {why}" for place, why in failed.items() if why]
    for line in lines:
        log.warning("not notified: %s", line)
    return lines


def masked(entry: str) -> str:
    """What may be said of an entry: the kind of its service; of a block, its name."""
    entry = _CONTROL.sub("?", entry)
    if entry.startswith(BLOCK):
        return entry
    scheme, colon, _ = entry.partition("://")
    return f"{scheme}{colon}***" if colon else "***"


def unusable(entry: str) -> str:
    """Why an entry can be used for nothing; "" where it can be tried. Asks nobody."""
    if entry.startswith(BLOCK):
        kind, slash, name = entry.removeprefix(BLOCK).partition("/")
        return "" if kind and slash and name else "a block is block:<type>/<name>"
    import apprise  # noqa: PLC0415 - takes a second, and most runs notify nobody

    _quieten()
    known = apprise.Apprise.instantiate(entry, suppress_exceptions=True) is not None
    return "" if known else "is no URL that Apprise knows"


def _by_url(url: str, message: Message) -> str:
    """Why it could not be told; "" where it was."""
    import apprise  # noqa: PLC0415 - the same

    _quieten()
    service = apprise.Apprise()
    if not service.add(url):
        return "is no URL that Apprise knows"
    sent = service.notify(title=message.title, body=message.body, notify_type=message.kind)
    return "" if sent else "was refused, or could not be reached"


def _quieten() -> None:
    """Before anything is made of a URL, also where somebody set all loggers to DEBUG."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _by_block(entry: str, message: Message) -> str:
    from prefect.blocks.abstract import NotificationBlock  # noqa: PLC0415 - the same
    from prefect.blocks.core import Block  # noqa: PLC0415

    block = Block.load(entry.removeprefix(BLOCK))  # no loop runs in this thread: it is the block
    if not isinstance(block, NotificationBlock):
        return "is no notification block"
    sent = block.notify(message.body, subject=message.title)
    if inspect.isawaitable(sent):  # a block of somebody's own
        asyncio.run(_awaited(sent))
    return ""


async def _awaited(sent: Awaitable[None]) -> None:
    await sent
