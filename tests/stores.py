"""A real S3 server, a process of its own, and the requests it got."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

REQUEST = re.compile(r'"(GET|PUT|POST|HEAD|DELETE) (\S+) HTTP')


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and its log."""

    url: str
    log: Path

    def bucket(self) -> str:
        """The URL of a new, empty bucket."""
        import s3fs

        name = f"bucket-{uuid4().hex}"
        s3fs.S3FileSystem(use_listings_cache=False).mkdir(name)
        return f"s3://{name}"

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """The requests of this block, each as ``GET /bucket/key``, once it has ended."""
        before = len(self._requests())
        seen: list[str] = []
        yield seen
        seen += self._requests()[before:]

    def _requests(self) -> list[str]:
        return [" ".join(found) for found in REQUEST.findall(self.log.read_text("utf-8"))]


@contextmanager
def s3_server(folder: Path) -> Iterator[Server]:
    """Run moto's server, started for this block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "s3.log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            _wait(process, port, log)
            yield Server(f"http://127.0.0.1:{port}", log)
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the S3 server did not start: {log.read_text('utf-8')}")


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """These variables are set within this block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def forget_clients() -> None:
    """Close the connections of all clients to S3."""
    import gc

    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    gc.collect()
