from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmcore.encoders.weights import hashes
from mmcore.encoders.weights.hashes import sha256_of

LARGE = b"weights " * 200_000


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of kept hashes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(hashes, "_YOUNG", 0)  # a file of this instant is kept, too
    return tmp_path / "cache" / "mmindex" / "hashes"


@pytest.fixture
def large(tmp_path):
    """A file that is worth remembering."""
    path = tmp_path / "w.safetensors"
    path.write_bytes(LARGE)
    return path


@pytest.fixture
def reads(monkeypatch):
    """The files that were read in full."""
    found = []
    read = hashes.read_hash
    monkeypatch.setattr(hashes, "read_hash", lambda path: (found.append(path), read(path))[1])
    return found


def test_a_large_file_is_read_once(cache, large, reads):
    """Its hash is kept; a small one's is not."""
    assert sha256_of(large) == sha256_of(large) == hashlib.sha256(LARGE).hexdigest()

    assert reads == [large]
    small = large.with_name("config.json")
    small.write_bytes(b"{}")
    assert sha256_of(small) == hashlib.sha256(b"{}").hexdigest()
    assert len(list(cache.iterdir())) == 1


def test_a_file_of_the_same_size_and_time_is_read_again(cache, large, reads):
    """What replaces a file has another inode and change time, whatever its own time says."""
    sha256_of(large)
    stat = large.stat()
    other = large.with_name("other")
    other.write_bytes(LARGE[::-1])
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(large)

    assert sha256_of(large) == hashlib.sha256(LARGE[::-1]).hexdigest()
    assert len(reads) == 2


def test_a_young_file_is_not_remembered(tmp_path, monkeypatch, large, reads):
    """One that changed a moment ago could change again without a new time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(hashes, "_YOUNG", 10**18)

    sha256_of(large)
    sha256_of(large)

    assert len(reads) == 2


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b"[]", b'{"sha256": 5}', b'{"sha256": "0"}', b"\xff"]
)
def test_a_damaged_entry_is_made_again(cache, large, damage):
    """Whatever an entry holds, the hash is right."""
    sha256_of(large)
    (entry,) = cache.iterdir()
    entry.write_bytes(damage)

    assert sha256_of(large) == hashlib.sha256(LARGE).hexdigest()
    assert json.loads(entry.read_bytes())["sha256"] == hashlib.sha256(LARGE).hexdigest()


def test_without_a_cache_files_are_read_each_time(tmp_path, monkeypatch, large, reads):
    """A cache that cannot be written to is no error."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert sha256_of(large) == sha256_of(large) == hashlib.sha256(LARGE).hexdigest()
    assert len(reads) == 2


def test_links_share_what_they_lead_to(cache, large, reads):
    """A link into a cache of blobs is the blob."""
    link = large.with_name("link.safetensors")
    link.symlink_to(large)

    assert sha256_of(link) == sha256_of(large)
    assert len(reads) == 1


def test_two_processes_at_once(cache, large):
    """Both find the hash, and one whole entry stays."""
    program = "import sys; from pathlib import Path; from mmcore.encoders.weights import hashes;"
    program += "hashes._YOUNG = 0; print(hashes.sha256_of(Path(sys.argv[1])))"
    command = [sys.executable, "-c", program, str(large)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    said = {process.communicate()[0].strip() for process in running}

    assert said == {hashlib.sha256(LARGE).hexdigest()}
    (entry,) = cache.iterdir()
    assert Path(json.loads(entry.read_bytes())["path"]) == large
