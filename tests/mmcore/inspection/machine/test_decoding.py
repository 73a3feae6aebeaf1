"""The small files that are decoded, and what is said where one is not."""

import shutil

import pytest

from mmcore.decoding.pool import POOL
from mmcore.errors import MissingExtraError
from mmcore.inspection.machine import decoding
from mmcore.media.sniff import sniff
from tests.made import samples


@pytest.fixture(autouse=True, scope="module")
def _no_workers_left():
    yield
    POOL.close()


def test_there_is_a_file_of_each_kind():
    """Small ones: they come with the package."""
    found = sorted(decoding.FILES.iterdir())

    assert {path.stem for path in found} == set(decoding.MEDIA)
    assert len({sniff(path.read_bytes()[:4096]) for path in found}) == len(found)
    assert sum(path.stat().st_size for path in found) < 100_000


@pytest.mark.slow
def test_the_files_are_made_by_the_tests(tmp_path):
    """Each has the name and the type of the one that comes with the package."""
    samples.samples(tmp_path)

    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        p.name for p in decoding.FILES.iterdir()
    )


def test_each_kind_is_decoded_and_a_broken_file_is_told(tmp_path, monkeypatch):
    """One line a medium; what cannot be read, or reads otherwise, is named with the reason."""
    shutil.copytree(decoding.FILES, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.iterdir():
        if path.suffix in {".gif", ".tif", ".webp", ".flac", ".mp3", ".ogg", ".html", ".webm"}:
            path.unlink()  # what is left is enough for the rule
    video = tmp_path / "video.mp4"
    video.write_bytes(video.read_bytes()[:3000])
    (tmp_path / "text.txt").write_text("这里没有那个词。" * 5, "utf-8")
    monkeypatch.setattr(decoding, "FILES", tmp_path)

    found = {one.facts["medium"]: one for one in decoding.decoders()}

    assert found["picture"].facts["kinds"] == "AVIF, HEIC, JPG, PNG"
    assert (found["picture"].state, found["sound"].state) == ("ok", "ok")
    assert (found["text"].state, found["text"].facts["wrong"]) == ("fail", "TXT (other text)")
    assert found["text"].facts["kinds"] == "DOCX, PDF"
    assert found["video"].state == "fail"
    assert found["video"].facts["wrong"].startswith("MP4 (")


def test_without_the_encoders_nothing_is_tried(monkeypatch):
    """They say how a file is shaped; the extra that has them is named."""

    def missing(*_):
        raise MissingExtraError("the preset 'embedded'", "embedded")

    monkeypatch.setattr(decoding, "inspected", missing)

    (one,) = decoding.decoders()
    assert (one.state, one.said, one.facts["extra"]) == ("warn", "decoders-extra", "embedded")
