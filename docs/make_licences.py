"""Write docs/licences.md: whose work mmindex stands on, and under which licences.

    python docs/make_licences.py

It reads what is installed, so install all extras first. Packages that only development needs are
left out, and so is what only another system would install.
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final

from installed import closure, declared, extras
from packaging.utils import canonicalize_name

PAGE: Final = Path(__file__).parent / "licences.md"
LONGEST: Final = 60  # characters of a licence's name; what is longer is the licence itself
UNTOLD: Final = {"", "UNKNOWN", "Dual License"}
DEVELOPMENT: Final = {"dev", "docs"}
HEAD: Final = """# Licences

mmindex is Apache-2.0. It stands on the packages below, each under its own licence, as the packages
themselves say; this page is made by `python docs/make_licences.py` from an installation with all
extras on Linux. "Asked by" is what of mmindex brings a package: `core`, or an extra.

What to know before passing an image on: the wheels of PyAV, pi-heif, torch and OpenCV carry
libraries of their own (FFmpeg, libheif, CUDA, …), whose licences lie in those wheels; the CUDA
libraries of NVIDIA that Linux builds of torch bring are proprietary, a CPU build has none of them.
Weights have licences too: [encoders](encoders.md).

| package | licence | asked by |
|---|---|---|
"""


def main() -> None:
    """Write the page."""
    asked: dict[str, set[str]] = {}
    for extra, requirement in declared(*(set(extras()) - DEVELOPMENT)):
        for found in closure(requirement, asked=extra):
            asked.setdefault(canonicalize_name(found.name), set()).add(extra)
    rows = [
        f"| {name} | {licence(distribution(name))} | {of(askers)} |"
        for name, askers in sorted(asked.items())
    ]
    PAGE.write_text(HEAD + "\n".join(rows) + "\n")


def licence(found: Distribution) -> str:
    """What a package says: an SPDX expression where it has one, else a line or classifiers."""
    told = found.metadata
    if expression := told.get("License-Expression"):
        return expression
    named = [c.split(" :: ")[-1] for c in told.get_all("Classifier", []) if "License ::" in c]
    named = [name for name in named if name not in {"OSI Approved", "Other/Proprietary License"}]
    line = (told.get("License") or "").strip()
    if line not in UNTOLD and "\n" not in line and len(line) < LONGEST:
        return re.sub(r"\s+", " ", line)
    return "; ".join(named) or "told by the package's files alone"


def of(askers: set[str]) -> str:
    """`core` says it all."""
    return "core" if "core" in askers else ", ".join(sorted(askers))


if __name__ == "__main__":
    main()
