"""HTTP as people's tools send it: an address that is not escaped is taken as it is meant."""

from __future__ import annotations

import re
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_RAW: Final = re.compile(rb"[\x80-\xff]")


class Spoken(H11Protocol):
    """uvicorn's HTTP, but for the bytes of an address that have to be escaped, and are not.

    ``curl 'http://…?q=红色'`` sends them as they stand; h11 refuses that line as no HTTP.
    """

    def data_received(self, data: bytes) -> None:
        """What has come; of the first line of a request the raw bytes are escaped."""
        begins = self.conn.their_state is h11.IDLE
        if begins and b"\n" not in self.conn.trailing_data[0]:
            line, end, rest = data.partition(b"\n")
            data = escaped(line) + end + rest
        super().data_received(data)


def escaped(line: bytes) -> bytes:
    """A line with its bytes beyond ASCII as ``%XX``."""
    return _RAW.sub(lambda raw: b"%%%02X" % raw[0][0], line)
