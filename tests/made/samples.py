"""Makes the small files that `mmindex doctor` decodes: ``python -m tests.made.samples DIR``."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from tests import media
from tests.made import documents, images, sounds, videos

WORDS = "A fox in the snow. 雪地里的一只狐狸。"
_PART = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    f'<Override PartName="/word/document.xml" ContentType="{_PART}"/></Types>'
)
_TO = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
_LINKS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{_TO}" Target="word/document.xml"/></Relationships>'
)


def samples(folder: Path) -> None:
    """One small file of each kind; needs an FFmpeg that writes them all."""
    folder.mkdir(parents=True, exist_ok=True)
    _pictures(folder)
    _texts(folder)
    media.wav(folder / "sound.wav", 0.5, 8000)
    for name, kind in (("mp3", "mp3"), ("ogg", "ogg-opus"), ("flac", "flac-8-khz")):
        sounds.sound(folder / f"sound.{name}", kind, 0.5)
    media.mp4(folder / "video.mp4", 1.0, fps=4)
    video = {"codec": "libvpx-vp9", "pixels": "yuv420p", "fps": 4, "size": (64, 48)}
    videos.video(folder / "video.webm", 4, sound="libopus", **video)


def _pictures(folder: Path) -> None:
    picture = media.picture(64, 48)
    media.jpeg(folder / "picture.jpg", picture)
    for name in ("png", "webp", "gif", "avif"):
        picture.save(folder / f"picture.{name}")
    images.heic(folder / "picture.heic", picture)
    images.tiff(folder / "picture.tif", picture)


def _texts(folder: Path) -> None:
    media.text(folder / "text.txt", f"{WORDS}\n" * 3, "gb18030")
    page = f'<!doctype html><html><head><meta charset="utf-8"></head><body><p>{WORDS}</p>'
    media.text(folder / "text.html", page)
    documents.pdf(folder / "text.pdf", [WORDS])
    paragraph = f"<w:p><w:r><w:t>{WORDS}</w:t></w:r></w:p>"
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _LINKS,
        "word/document.xml": documents.body(paragraph),
    }
    with zipfile.ZipFile(folder / "text.docx", "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(zipfile.ZipInfo(name), text)


if __name__ == "__main__":
    samples(Path(sys.argv[1]))
