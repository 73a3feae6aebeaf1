"""Tests of mmcore/media/urls.py."""

import pytest

from mmcore.errors import ConfigError
from mmcore.media.urls import below, checked_url, is_remote, local_folder, local_path


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        *(("s3://bucket/media", True), ("memory://media", True), ("GS://bucket", True)),
        *(("/media/s3:", False), ("file:///media", False), ("C:/media", False), ("a=b", False)),
    ],
)
def test_only_a_url_of_a_store_is_remote(url, remote):
    """A path is local whatever it is called; so is a file: URL."""
    assert is_remote(url) is remote


@pytest.mark.parametrize("url", ["s3://me:hush@bucket/media", "s3://bucket/media?sig=hush"])
def test_a_url_holds_no_secret(url):
    """A root's URL is kept in manifests: one with a password is refused, and not repeated."""
    with pytest.raises(ConfigError, match="environment") as refused:
        checked_url(url)

    assert "hush" not in str(refused.value)


def test_a_url_without_a_bucket_is_refused():
    """All buckets together are no root."""
    with pytest.raises(ConfigError, match="bucket"):
        checked_url("s3://")


def test_a_url_is_kept_without_its_last_slash():
    """So that the same root has one name."""
    assert checked_url("s3://bucket/media//") == "s3://bucket/media"
    assert checked_url("abfs://box@account.dfs.core.windows.net/m") == (
        "abfs://box@account.dfs.core.windows.net/m"
    )


def test_below_tells_whole_names_apart():
    """``media2`` does not lie below ``media``; slashes after the scheme do not matter."""
    assert below("s3://bucket/media/a/b.png", "s3://bucket/media") == "a/b.png"
    assert below("memory:///media/lake/", "memory://media") == "lake"
    assert below("s3://bucket/media2/a.png", "s3://bucket/media") is None
    assert below("s3://bucket/media", "s3://bucket/media") is None


def test_a_file_url_is_a_path(tmp_path):
    """Escapes and all."""
    folder = tmp_path / "照片 1"

    assert local_path(folder.as_uri()) == folder


def test_only_a_root_on_this_machine_has_a_folder(tmp_path):
    """One in a store has none here, nor has one that nobody knows."""
    assert local_folder(str(tmp_path)) == local_folder(tmp_path.as_uri()) == tmp_path
    assert [local_folder(url) for url in ("s3://bucket/media", "", None)] == [None] * 3
