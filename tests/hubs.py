"""A real server on this machine that speaks what huggingface_hub asks a hub for."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".pt")  # what a hub keeps in LFS


@dataclass
class Repository:
    """Files of one revision, and its card. ``cut``: name → bytes after which sending stops."""

    revision: str
    files: dict[str, bytes]
    card: dict[str, object] = field(default_factory=dict)
    gated: bool = False
    cut: dict[str, int] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)  # another hash than the file has


@dataclass
class Hub:
    """The server's address, its repositories, and how often each file was asked for."""

    url: str
    repositories: dict[str, Repository] = field(default_factory=dict)
    plain: dict[str, bytes] = field(default_factory=dict)  # paths of a server that is no hub
    sent: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)


@contextmanager
def hub() -> Iterator[Hub]:
    """A hub without repositories, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.hub = Hub(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sha256(data: bytes) -> str:
    """As pins have it."""
    return hashlib.sha256(data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def log_message(self, *_):
        """Nothing: a test reads standard error."""

    def _answer(self, *, body: bool) -> None:
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        hub.asked.append(f"{self.command} {path}")
        if path in hub.plain:
            self._data(path, hub.plain[path], {}, body=body)
        elif api := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/([^/]+)", path):
            self._api(*api.groups())
        elif file := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(*file.groups(), body=body)
        else:
            self._refuse(404, "RepoNotFound")

    def _found(self, name: str, revision: str) -> Repository | None:
        found = self.server.hub.repositories.get(name)
        if found is None:
            self._refuse(401, "RepoNotFound")
        elif found.gated:
            self._refuse(403, "GatedRepo")
        elif revision not in ("main", found.revision):
            self._refuse(404, "RevisionNotFound")
        else:
            return found
        return None

    def _api(self, name: str, kind: str, revision: str) -> None:
        found = self._found(name, revision)
        if found is None:
            return
        files = [_entry(path, data, found) for path, data in found.files.items()]
        if kind == "tree":
            self._json(files)
            return
        siblings = [_sibling(one) for one in files]
        card = {"cardData": found.card} if found.card else {}
        self._json({"id": name, "sha": found.revision, "siblings": siblings, **card})

    def _file(self, name: str, revision: str, path: str, *, body: bool) -> None:
        found = self._found(name, revision)
        if found is None:
            return
        if path not in found.files:
            self._refuse(404, "EntryNotFound")
            return
        data = found.files[path]
        etag = f'"{sha256(data) if path.endswith(LARGE) else hashlib.sha1(data).hexdigest()}"'
        headers = {"X-Repo-Commit": found.revision, "ETag": etag, "X-Linked-Etag": etag}
        headers["X-Linked-Size"] = str(len(data))
        self._data(f"{name}/{path}", data, headers, body=body, cut=found.cut.get(path))

    def _data(self, name, data, headers, *, body, cut=None) -> None:
        start = int((re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) or [0, 0])[1])
        self.send_response(206 if start else 200)
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        for key, value in {**headers, "Content-Length": str(len(data) - start)}.items():
            self.send_header(key, value)
        self.end_headers()
        if not body:
            return
        self.server.hub.sent[name] += 1
        self.wfile.write(data[start : cut if cut is not None else len(data)])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)

    def _json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, code: int, why: str) -> None:
        self.send_response(code)
        self.send_header("X-Error-Code", why)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _entry(path: str, data: bytes, found: Repository) -> dict[str, object]:
    one = {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
    if path.endswith(LARGE):
        oid = found.told.get(path, sha256(data))
        one["lfs"] = {"oid": oid, "size": len(data), "pointerSize": 134}
    return one


def _sibling(entry: dict[str, object]) -> dict[str, object]:
    one = {"rfilename": entry["path"], "size": entry["size"], "blobId": entry["oid"]}
    if "lfs" in entry:
        lfs = entry["lfs"]
        one["lfs"] = {"sha256": lfs["oid"], "size": lfs["size"], "pointerSize": 134}
    return one
