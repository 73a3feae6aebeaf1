"""Index examples/media and search it three times: what `make demo` runs."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHOWN = ".venv/bin/mmindex" if Path(".venv/bin/mmindex").exists() else "mmindex"
SEARCHES = (
    ["a rocket on its launch pad"],
    ["一只猫的脸", "--modality", "image"],
    ["--image", str(HERE / "media" / "food" / "coffee.jpg"), "--modality", "text"],
)


def mmindex(*arguments: str) -> None:
    """Run one command of mmindex, shown as a person would type it."""
    print(f"\n$ {SHOWN} {shlex.join(arguments)}", flush=True)
    subprocess.run([sys.executable, "-m", "flows.cli", *arguments], check=True)


def main() -> None:
    """Index, search, and say where things are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lake", default="demo-lake")
    lake = parser.parse_args().lake
    mmindex("index", str(HERE / "media"), "--lake", lake)
    for search in SEARCHES:
        mmindex("search", *search, "--lake", lake, "-k", "3")
    print(f"\nThe lake is {Path(lake).resolve()}; its report:")
    print(f"  {newest_report(Path(lake).resolve())}")
    print(f"\nNext, in {Path.cwd()}:")
    for command in next_steps(lake):
        print(f"  {command}")


def next_steps(lake: str) -> list[str]:
    """What to type after it: activate the environment if it is not, and see the lake as a page."""
    activate = [] if SHOWN == "mmindex" else [". .venv/bin/activate"]
    page = "# a page to search it; Ctrl-C ends it"
    return [*activate, f"mmindex serve --lake {shlex.quote(lake)}    {page}"]


def newest_report(lake: Path) -> Path:
    """The HTML page of the published snapshot."""
    number = (lake / "CURRENT").read_text().strip()
    return lake / "reports" / number / "report.html"


if __name__ == "__main__":
    main()
