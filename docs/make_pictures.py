"""Draw docs/pictures/search.png: what a lake of examples/media answers to three queries.

Needs a lake and a Chromium; fonts-noto-cjk for the Chinese:

    mmindex index examples/media --lake demo-lake
    python docs/make_pictures.py demo-lake

No answer is chosen or mended by hand: each row is one query and its first four items, with the
scores that `mmindex search --words 0` prints. The page is written to a temporary folder.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from PIL import Image

from mmcore.search.searcher import Searcher
from mmcore.types import Hit, Query

HERE = Path(__file__).resolve().parent
MEDIA = HERE.parent / "examples" / "media"
SIZE = (1200, 900)
HITS = 4
COLOURS = 255  # a palette halves the file; more would show no difference at this size
QUERIES = (  # what is asked, and the language of the captions shown
    (Query(text="musicians playing drums", k=HITS), "en"),
    (Query(text="海浪的声音", k=HITS), "zh"),
    (Query(media=str(MEDIA / "animals" / "horses.jpg"), k=HITS), "en"),
)
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".gif"}
SIGNS = {".mp4": "▶", ".webm": "▶", ".wav": "♪", ".ogg": "♪", ".flac": "♪"}

STYLE = """
* { box-sizing: border-box; margin: 0 }
body { width: 1200px; padding: 26px 30px; background: #fff; color: #1d2430;
       font: 16px/1.4 "Noto Sans CJK SC", "Noto Sans", sans-serif }
section { display: grid; grid-template-columns: 196px repeat(4, 1fr); gap: 16px;
          padding: 18px 0; border-top: 1px solid #d9dee6 }
section:first-of-type { border-top: 0; padding-top: 0 }
.asked small { display: block; color: #68738a; font-size: 14px; margin-bottom: 6px }
.asked b { font-size: 21px; line-height: 1.3; font-weight: 600 }
.asked img { width: 180px; display: block; margin-bottom: 6px }
.shown { height: 164px; border-radius: 6px; border: 1px solid #dfe3ea; overflow: hidden;
         display: flex; align-items: center; justify-content: center; flex-direction: column }
.shown img { width: 100%; height: 100%; object-fit: contain }
.sign { font-size: 44px; line-height: 1; color: #40618f; margin-bottom: 8px }
.sign + span { color: #40618f; font-size: 15px }
.bar { height: 4px; background: #e6e9ee; margin: 9px 0 6px; border-radius: 2px }
.bar i { display: block; height: 4px; background: #2f6db5; border-radius: 2px }
.line { display: flex; justify-content: space-between; font-size: 14px; color: #68738a }
.line b { color: #1d2430 }
p { font-size: 14px; line-height: 1.35; height: 57px; overflow: hidden }
"""


def main() -> None:
    """Ask, write the page, photograph it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lake", type=Path, help="a lake of examples/media")
    parser.add_argument("--out", type=Path, default=HERE / "pictures" / "search.png")
    parser.add_argument("--chromium", default="chromium", help="the browser's command")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        html = Path(folder) / "page.html"
        html.write_text(page(Searcher.open(arguments.lake)), encoding="utf-8")
        photograph(html, arguments.out, arguments.chromium)


def page(searcher: Searcher) -> str:
    """The whole page."""
    table = searcher.snapshot.rows("segments/text", ["item_id", "language", "text"]).to_pylist()

    def captions(language: str) -> dict[int, str]:
        """A text of each item, in ``language`` where it has one."""
        texts = sorted(table, key=lambda row: (row["language"] == language, row["text"]))
        return {row["item_id"]: row["text"] for row in texts}  # the last one stays

    sources = {name: Path(url) for name, url in searcher.snapshot.manifest.sources.items()}
    sections = [
        section(query, searcher.search(query), captions(language), sources)
        for query, language in QUERIES
    ]
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{''.join(sections)}"


def section(
    query: Query, hits: Sequence[Hit], captions: Mapping[int, str], sources: Mapping[str, Path]
) -> str:
    """One query and its answers."""
    if query.text is not None:
        asked = f"<small>search by text</small><b>{escape(query.text)}</b>"
    else:
        path = Path(query.media or "")
        asked = f'<small>search by picture</small><img src="{path.as_uri()}">'
        asked += f"<small>{escape(path.name)}, which the lake holds too</small>"
    tiles = [tile(hit, captions.get(hit.item_id, ""), sources) for hit in hits]
    return f"<section><div class=asked>{asked}</div>{''.join(tiles)}</section>"


def tile(hit: Hit, caption: str, sources: Mapping[str, Path]) -> str:
    """One item: its file, score and caption."""
    path = Path(hit.path or "")
    if path.suffix in PICTURES:
        shown = f'<img src="{(sources[hit.root or ""] / path).as_uri()}">'
    else:
        sign = SIGNS.get(path.suffix, "≡")
        shown = f"<span class=sign>{sign}</span><span>{escape(path.name)}</span>"
    return (
        f"<div><div class=shown>{shown}</div>"
        f'<div class=bar><i style="width:{max(0.0, hit.score):.0%}"></i></div>'
        f"<div class=line><span>{escape(hit.key)}</span><b>{hit.score:.3f}</b></div>"
        f"<p>{escape(caption)}</p></div>"
    )


def photograph(html: Path, target: Path, chromium: str) -> None:
    """Render ``html`` with headless Chromium."""
    if shutil.which(chromium) is None:
        raise SystemExit(f"no {chromium}: install Chromium, or name it with --chromium")
    shot = html.with_name("shot.png")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    options += ["--hide-scrollbars", f"--user-data-dir={html.parent / 'profile'}"]
    size = ",".join(map(str, SIZE))
    command = [chromium, *options, f"--window-size={size}", f"--screenshot={shot}", html.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    keep(shot, target)


def keep(shot: Path, target: Path) -> None:
    """Write a picture with a palette, which keeps it small."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(shot) as image:
        small = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
        small.save(target, optimize=True)


if __name__ == "__main__":
    main()
