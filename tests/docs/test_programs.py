"""Every program, condition, and file of settings of the pages is one that works."""

from __future__ import annotations

import ast
import configparser
import csv
import importlib
import io
import json
import re
import shutil
import sys
import tomllib

import duckdb
import pytest
import yaml

from mmcore.encoders.base import encoders
from mmcore.encoders.presets import presets
from mmcore.search import Part, Searcher, SearchRequest
from mmcore.specs import SegmentationSpec
from tests import crashes
from tests.docs.blocks import Block, blocks, blocks_of, commands
from tests.docs.conftest import makers
from tests.docs.untried import PYTHON

PROGRAMS = blocks("python")
KNOWN = {"", "sh", "bash", "python", "sql", "json", "yaml", "toml", "ini", "csv"}


def untried(block: Block) -> str | None:
    """Why a program is not run."""
    return next(
        (w for p, t, w in PYTHON if re.search(p, block.page) and re.search(t, block.text)), None
    )


@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_what_a_program_imports_is_there(block: Block):
    """Also of one that is not run: modules, and the names taken out of them."""
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            missing = [a.name for a in node.names if not hasattr(module, a.name)]
            for name in missing:
                importlib.import_module(f"{node.module}.{name}")
        elif isinstance(node, ast.Import):
            for name in node.names:
                importlib.import_module(name.name)


@pytest.mark.parametrize("block", [b for b in PROGRAMS if not untried(b)], ids=str)
def test_a_program_runs(block: Block, home, monkeypatch):
    """In the home, or in its lake where it opens files of that."""
    if 'Path("CURRENT")' in block.text:
        monkeypatch.chdir(home.lake)
    if "index_media(" in block.text:
        shutil.rmtree(home.lake)  # a run of other folders has a lake of its own
    program = block.text.replace('"LAKE"', repr(str(home.lake)))

    exec(compile(program, str(block), "exec"), {"__name__": "page"})


@pytest.mark.parametrize("page", ["docs/howto/encoder.md", "docs/howto/encoder.zh.md"])
def test_the_encoder_of_the_page_indexes_and_finds(page, home, monkeypatch):
    """The program that a reader begins with embeds a folder; a picture finds itself."""
    (block,) = [b for b in PROGRAMS if b.page == page]
    names = {}
    exec(compile(block.text, str(block), "exec"), names)
    hash_text = makers()["hash-text"]
    made = {"hash-text": hash_text, "mean-colour": lambda cut: names["build"](cut, None)}
    crashes.use_encoders(monkeypatch.setattr, made)

    done = home.run("index", "photos=~/Pictures", "--lake", "~/colours", "--json")
    found = home.run(
        *("search", "--image", "~/Pictures/trips/wall.jpg", "-m", "image"),
        *("--lake", "~/colours", "--json"),
    )

    assert done.code == 0, done.err
    assert json.loads(done.out)["new"]["mean-colour"] > 0
    assert found.code == 0, found.err
    first = json.loads(found.out)["hits"][0]
    assert first["path"] == "trips/wall.jpg"
    assert first["score"] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("page", ["docs/howto/encoder.md", "docs/howto/encoder.zh.md"])
def test_the_package_of_the_page_is_found_by_its_names(page, tmp_path, monkeypatch):
    """Its two files are a package; what they declare is there, the preset's encoders too."""
    program, declared = (b.text for b in blocks_of(page) if b.language in {"python", "toml"})
    package = tomllib.loads(declared)
    name, version = package["project"]["name"], package["project"]["version"]
    meta = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n", "utf-8")
    points = configparser.ConfigParser()
    points.read_dict(package["project"]["entry-points"])
    with (meta / "entry_points.txt").open("w") as file:
        points.write(file)
    (tmp_path / "my_colours.py").write_text(program, "utf-8")
    monkeypatch.delitem(sys.modules, "my_colours", raising=False)
    monkeypatch.syspath_prepend(tmp_path)

    (preset,) = package["project"]["entry-points"]["mmindex.presets"]
    used = [w for b in blocks_of(page) if b.language == "sh" for c in commands(b) for w in c.words]

    assert package["build-system"]["build-backend"]
    assert f"~/{name}" in used
    assert preset in used
    assert "mean-colour" in presets.get(preset).encoders
    assert set(presets.get(preset).encoders) <= set(encoders.names())
    assert encoders.get("mean-colour")(SegmentationSpec(), None).key.name == "mean-colour"


def test_each_reason_is_of_a_program():
    """No reason is left of a program that no page has any more."""
    rows = [
        row
        for row in PYTHON
        if not any(re.search(row[0], b.page) and re.search(row[1], b.text) for b in PROGRAMS)
    ]

    assert rows == []


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_sql_is_answered(block: Block, home, monkeypatch):
    """A statement by DuckDB over the views of a lake, a condition by a search."""
    monkeypatch.chdir(home.lake)
    statements = [s.split("--")[0].strip() for s in block.text.splitlines()]
    if block.text.startswith("SELECT"):
        number = (home.lake / "CURRENT").read_text().strip()
        db = duckdb.connect()
        db.execute((home.lake / "snapshots" / number / "views.sql").read_text("utf-8"))
        assert db.sql(block.text).fetchall() is not None
    else:
        searcher = Searcher.open(home.lake)
        for condition in statements:
            request = SearchRequest(parts=(Part(text="a wall"),), where=condition)
            assert searcher.answer(request).snapshot == 1


@pytest.mark.parametrize("block", blocks("json", "yaml", "toml", "ini", "csv"), ids=str)
def test_files_are_what_they_say(block: Block):
    """A block of a format is read by that format's reader."""
    READERS[block.language](block.text)


def test_each_language_has_a_test():
    """A block is of a kind that is tested, or output (no language)."""
    assert {block.language for block in blocks()} <= KNOWN


def _csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text)))
    assert len({len(row) for row in rows}) == 1


def _json(text: str) -> None:
    for line in text.splitlines() if not text.startswith(("[\n", "{\n")) else [text]:
        json.loads(line)


READERS = {
    "json": _json,
    "yaml": yaml.safe_load,
    "toml": tomllib.loads,
    "ini": lambda text: configparser.ConfigParser(strict=False).read_string(text),
    "csv": _csv,
}
