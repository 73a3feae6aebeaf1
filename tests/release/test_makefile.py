"""What `make` says to people while it installs and when it has built the site."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUB = '#!/bin/sh\necho "$0 $*" >> calls\n'
PYTHON = f"""#!/bin/sh
[ "$2" = venv ] || exit 1
mkdir -p .venv/bin .venv/lib
for name in python mkdocs; do
    printf '%s' '{STUB}' > .venv/bin/$name
    chmod +x .venv/bin/$name
done
"""


@pytest.fixture
def clone(tmp_path):
    """The Makefile and what it reads, with a Python that installs nothing."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def made(folder, target, stderr=subprocess.PIPE):
    """What `make TARGET` prints, and the calls of pip."""
    command = ["make", "--no-print-directory", target, "PYTHON=./python"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    ended = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=stderr, check=True
    )
    calls = (folder / "calls").read_text().splitlines()
    return ended.stdout.decode(), [call for call in calls if " -m pip " in call]


@pytest.mark.parametrize("target", ["setup", ".venv/.installed"])
def test_an_installation_says_first_that_it_takes_minutes(clone, target):
    """In a log pip is quiet, so that the line says that nothing comes after it."""
    out, (pip,) = made(clone, target)

    assert "takes minutes, and prints nothing until it is done" in out.splitlines()[0]
    assert "--quiet" in pip


def test_on_a_terminal_pip_shows_its_progress(clone):
    """Who waits in front of it sees what is fetched."""
    leader, terminal = pty.openpty()
    try:
        out, (pip,) = made(clone, "setup", terminal)
    finally:
        os.close(leader)
        os.close(terminal)

    assert "takes minutes" in out.splitlines()[0]
    assert "prints nothing" not in out
    assert "--quiet" not in pip


def test_the_site_is_named_when_it_is_built(clone):
    """The last line says what to open."""
    out, _ = made(clone, "docs")

    assert out.splitlines()[-1] == "open site/index.html"
