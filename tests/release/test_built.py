"""The wheel and the sdist have all that mmindex is."""

import tarfile
import zipfile

from tests.release.conftest import PACKAGES, ROOT, build


def names(wheel):
    """The files of a wheel, without what pip needs of it."""
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_wheel_has_every_file_of_the_packages(built):
    """Templates, pages, words and weights too, and nothing that a build or a run left behind."""
    there = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    more = {"flows/commands/up/prefect.yaml", "flows/commands/up/deploy/automations.yaml"}
    assert names(built.wheel) == there | more


def test_the_sdist_builds_the_same_wheel(built, tmp_path):
    """Whoever packs mmindex anew, from the sdist alone, gets the same files."""
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    build(source, tmp_path / "out", "--wheel")
    (wheel,) = (tmp_path / "out").glob("*.whl")

    assert names(wheel) == names(built.wheel)


def test_the_sdist_has_what_its_reader_needs(built):
    """Licence, changes, docs and tests come with it; lakes, data and environments do not."""
    with tarfile.open(built.sdist) as archive:
        found = {name.split("/", 1)[1].split("/")[0] for name in archive.getnames() if "/" in name}

    assert {"LICENSE", "CHANGELOG.md", "README.md", "README.zh.md", "docs", "tests"} <= found
    assert not {"data", ".venv", "demo-lake", "dist"} & found


def test_the_change_log_begins_with_this_version(built):
    """The newest heading is the version that the files are called by."""
    headings = [
        line.removeprefix("## ").split()[0]
        for line in (ROOT / "CHANGELOG.md").read_text().splitlines()
        if line.startswith("## ")
    ]

    assert built.wheel.name.startswith(f"mmindex-{headings[0]}-")
