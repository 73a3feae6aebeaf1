"""Photograph what people see: docs/pictures/{page,report,prefect,prefect-summary,terminal}.png.

Needs a Chromium, and fonts-noto-cjk for the Chinese; takes some minutes:

    PYTHONPATH=. python docs/make_screenshots.py

It starts a Prefect server of its own, indexes examples/media into a lake in a temporary folder,
and looks at what is there then: nothing is drawn or mended by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from make_pictures import HERE, MEDIA, keep
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.web.browser import Page, browser

PICTURES = HERE / "pictures"
LAKE = "demo-lake"
ASKED = {"q": "一只猫", "modality": "image"}
COMMANDS = (
    ("search", "海浪的声音", "-m", "audio", "-k", "3"),
    ("search", "musicians playing drums", "-k", "3"),
    ("snapshots", "list"),
)
WIDE = "112"  # columns of the terminal
TERMINAL = """<!doctype html><meta charset=utf-8><style>
body { margin: 0; padding: 22px 26px; background: #10151d; color: #d7dde6 }
a { color: inherit !important; text-decoration: none !important }
pre { font: 16px/1.35 "Noto Sans Mono CJK SC", "DejaVu Sans Mono", monospace; margin: 0 }
</style>"""
SHOWN = {  # what is true of a page that is complete
    "prefect": "document.body.innerText.includes('Task Runs')",
    "summary": "document.body.innerText.includes('What the run did')",
    "page": "document.querySelectorAll('main img').length > 3",
    "report": "document.body.innerText.length > 100",
}
SETTLING = 4.0  # seconds that pictures and graphs may take beyond that
PATIENCE = 180.0  # seconds that a server may take


def main() -> None:
    """Make a lake, then the pictures of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=PICTURES)
    parser.add_argument("--report", type=Path, help="a report.html of a larger lake")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, browser(Path(name) / "profile") as devtools:
        folder = Path(name)
        (folder / "examples").symlink_to(MEDIA.parent)
        with prefect_server(folder) as api:
            mmindex(folder, "index", "examples/media", PREFECT_API_URL=api)
            shown = api.removesuffix("/api")
            run = f"{shown}/runs/flow-run/{latest(api, 'flow_runs', sort='START_TIME_DESC')}"
            show(devtools, run, told.out / "prefect.png", 860, SHOWN["prefect"])
            named = {"key": {"any_": ["index-media-summary"]}}
            made = latest(api, "artifacts", sort="CREATED_DESC", artifacts=named)
            summary = f"{shown}/artifacts/artifact/{made}"
            show(devtools, summary, told.out / "prefect-summary.png", 1040, SHOWN["summary"], 800)
        with searching(folder) as page:
            asked = f"{page}?{urlencode(ASKED)}"
            show(devtools, asked, folder / "first.png", 860, SHOWN["page"])  # weights are loaded
            show(devtools, asked, told.out / "page.png", 860, SHOWN["page"])
        report = told.report or folder / LAKE / "reports" / "1" / "report.html"
        show(devtools, report.resolve().as_uri(), told.out / "report.png", 900, SHOWN["report"])
        html = folder / "terminal.html"
        html.write_text(terminal(folder), "utf-8")
        show(devtools, html.as_uri(), told.out / "terminal.png", 480, SHOWN["report"])


def show(devtools: str, url: str, target: Path, high: int, shown: str, wide: int = 1200) -> None:
    """Open ``url``, wait until what it shall show is there, and keep a picture of it."""
    with Page(devtools) as page, tempfile.TemporaryDirectory() as folder:
        page.look(wide=wide, high=high)
        page.call("Page.navigate", url=url)
        page.wait(f"document.readyState === 'complete' && {shown}")
        time.sleep(SETTLING)
        shot = Path(folder) / "shot.png"
        page.picture(shot)
        keep(shot, target)


def mmindex(folder: Path, *words: str, **variables: str) -> str:
    """What a command says about the lake of ``folder``."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *words, "--lake", LAKE],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """A Prefect server with a database of its own; its API's URL."""
    port = "4391"
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", port]
    variables = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    with running(command, variables):
        api = f"http://127.0.0.1:{port}/api"
        wait_for(f"{api}/health")
        yield api


@contextmanager
def searching(folder: Path) -> Iterator[str]:
    """The search page of the lake; its URL."""
    command = [sys.executable, "-m", "flows.cli", "serve", "--lake", str(folder / LAKE)]
    with running([*command, "--port", "0", "--json"], {}) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["url"]


@contextmanager
def running(command: list[str], variables: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A program that is ended with the block."""
    with subprocess.Popen(
        command, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            yield started
        finally:
            started.terminate()


def wait_for(url: str) -> None:
    """Return when ``url`` answers; an error after some minutes."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def latest(api: str, kind: str, **asked: Any) -> str:
    """The id of the newest flow run, artifact or whatever else the API can be asked for."""
    request = Request(
        f"{api}/{kind}/filter",
        data=json.dumps({"limit": 1, **asked}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30) as answer:
        return str(json.load(answer)[0]["id"])


def terminal(folder: Path) -> str:
    """A page of commands and what they print, in the colours of a terminal."""
    console = Console(record=True, width=int(WIDE), file=StringIO(), force_terminal=True)
    for words in COMMANDS:
        shown = " ".join(f"'{word}'" if " " in word else word for word in words)
        console.print(Text(f"$ mmindex {shown}", "bold"))
        told = mmindex(folder, *words, FORCE_COLOR="1", COLUMNS=WIDE)
        console.print(Text.from_ansi(told.rstrip()), end="\n\n")
    code = console.export_html(theme=MONOKAI, inline_styles=True, code_format="<pre>{code}</pre>")
    return TERMINAL + code


if __name__ == "__main__":
    main()
