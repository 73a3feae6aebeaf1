"""What a root's URL may be; reads nothing and loads no client of a store."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mmcore.errors import ConfigError

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_SLASHES: Final = re.compile(r":/+")
_LOCAL: Final = {"file", "local"}


def is_remote(url: str) -> bool:
    """Whether a URL leads to a store; a path or a file: URL does not."""
    scheme = _URL.match(url)
    return scheme is not None and scheme[1].lower() not in _LOCAL


def checked_url(url: str) -> str:
    """The URL of a remote root without a slash at its end; ConfigError if it may not be kept."""
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if parts.password is not None or parts.query:
        raise ConfigError(
            f"{shown}: a root's URL is kept in the lake, so it may hold no password and no query:"
            " give credentials by the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE …)"
        )
    plain = url.rstrip("/")
    if not parts.netloc or plain.endswith(":"):
        raise ConfigError(f"{url}: name a bucket or a folder")
    if {".", ".."} & set(parts.path.split("/")):
        raise ConfigError(f"{url}: . and .. are names to a store, not folders: write the path")
    return plain


def below(url: str, root: str) -> str | None:
    """The path of a URL below the URL ``root``; None where it does not lie there."""
    inner, outer = (f"{_SLASHES.sub('://', one, count=1).rstrip('/')}/" for one in (url, root))
    return inner[len(outer) : -1] if inner.startswith(outer) and inner != outer else None


def local_path(url: str) -> Path:
    """The real path that a path or a file: URL names."""
    if _URL.match(url):
        return Path(os.path.realpath(url2pathname(urlsplit(url).path)))
    return Path(os.path.realpath(Path(url).expanduser()))


def local_folder(url: str | None) -> Path | None:
    """The real path of a root's folder on this machine; None of a root in a store, or unknown."""
    return None if not url or is_remote(url) else local_path(url)
