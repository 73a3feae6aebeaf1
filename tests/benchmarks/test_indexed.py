"""What a lake is found to say of each file."""

import pytest

from benchmarks.indexed import LOST, OK, outcomes
from tests import crashes
from tests.media import noise, png, text


@pytest.fixture
def index(monkeypatch):
    """The flow as a plain function."""
    return crashes.plain_index(monkeypatch)


def test_a_file_is_embedded_or_refused_or_lost(tmp_path, index):
    """A good one is ok, a bad one has its reason under each of its names, a later one is lost."""
    media, lake = tmp_path / "media", tmp_path / "lake"
    png(media / "good.png", noise(seed=1))
    text(media / "sub" / "说明.txt", "一只猫在睡觉。")
    half = png(tmp_path / "whole.png", noise(seed=2)).read_bytes()[:900]
    for name in ("a.png", "b.png"):
        (media / name).write_bytes(half)
    (media / "empty").write_bytes(b"")
    index(media, lake, max_bad_fraction=1.0)
    png(media / "later.png", noise(seed=3))

    found = {path: one.outcome for path, one in outcomes(media, lake).items()}

    assert found == {
        "a.png": "image/truncated",
        "b.png": "image/truncated",
        "empty": "sniff/empty",
        "good.png": OK,
        "later.png": LOST,
        "sub/说明.txt": OK,
    }


def test_a_file_that_changed_after_the_run_is_lost(tmp_path, index):
    """The lake says nothing of what lies there now."""
    media, lake = tmp_path / "media", tmp_path / "lake"
    text(media / "a.txt", "A cat.")
    index(media, lake)
    text(media / "a.txt", "A dog.")

    assert outcomes(media, lake)["a.txt"].outcome == LOST
