"""Open a file of a root for reading, whatever may have taken its place since it was listed."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO, Final

from mmcore.errors import MediaError
from mmcore.media.faults import FAULTS, STAGE, link_fault

_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe is not waited on
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_PIPES: Final = {
    errno.ENXIO,
    errno.EOPNOTSUPP,
    errno.ENODEV,
}  # a socket, a device that is not there


def opened(root: str, location: str) -> BinaryIO:
    """The regular file at ``location``, to be closed by the caller; a link only into ``root``.

    MediaError of the stage ``crawl`` for anything else; other errors of opening propagate.
    """
    try:
        number = _number(root, location)
    except OSError as error:
        if error.errno in _PIPES:
            raise _refusal("not-a-file") from error
        raise
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(number, "rb")
    os.close(number)
    raise _refusal("vanished" if stat.S_ISDIR(mode) else "not-a-file")


def _number(root: str, location: str) -> int:
    """An open file descriptor."""
    try:
        return os.open(location, _FLAGS)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    fault = link_fault(root, location)
    if fault:
        raise _refusal(fault)
    return os.open(os.path.realpath(location), _FLAGS)


def _refusal(fault: str) -> MediaError:
    return MediaError(STAGE, fault, FAULTS[fault])
