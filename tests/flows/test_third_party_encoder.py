"""An encoder and a preset of a separate package, installed by pip, used from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests import media

ROOT = Path(__file__).parents[2]

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "colour-words"
version = "1.0"

[project.entry-points."mmindex.encoders"]
colour-words-text = "colour_words:build_text"
colour-words-image = "colour_words:build_image"

[project.entry-points."mmindex.presets"]
colour-words = "colour_words:PRESET"
colour-broken = "colour_words_gone:PRESET"
"""

MODULE = '''
"""Pictures and the words for their colours, in one space of three dimensions."""

import os

import numpy as np

from mmcore.encoders.presets import Preset
from mmcore.media.versions import cutting
from mmcore.types import EncoderKey, unit_rows
from storage.schemas import Modality, digest

PRESET = Preset(("colour-words-text", "colour-words-image"), "colours by their names", "en")
COLOURS = {"red": 0, "green": 1, "blue": 2}


def told(what):
    with open(os.environ["COLOURS_LOG"], "a") as log:
        log.write(f"{what} {os.getpid()}\\n")


class Colours:
    licence = "CC0-1.0"
    compute = {"dtype": "float32", "device": "cpu"}

    def __init__(self, modality, reads, shape, dtype, size, segmentation):
        self.shape, self.dtype, self.size = shape, dtype, size
        made_of = {"version": 1, "cutting": cutting(segmentation, modality, *reads)}
        name = f"colour-words-{modality}"
        self.key = EncoderKey(modality, name, digest(made_of), "colour-words", 3, reads)

    def prepare(self, decoded):
        if self.shape is None:
            return np.array(decoded)
        told("prepare")
        return np.asarray(decoded.resize((4, 4)), dtype=np.uint8)

    def encode(self, inputs):
        told("encode")
        rows = [self._row(one) for one in inputs]
        return unit_rows(np.array(rows, dtype=np.float32).reshape(-1, 3))

    def _row(self, one):
        if self.shape is not None:
            return one.reshape(-1, 3).mean(axis=0) + 1
        return [1 + 99 * (word in str(one).lower()) for word in COLOURS]

    def encode_query(self, decoded):
        return self.encode([self.prepare(decoded)])[0]


def build_text(segmentation, runtime):
    reads = (Modality.TEXT, Modality.VIDEO)
    return Colours(Modality.TEXT, reads, None, "str", 0, segmentation)


def build_image(segmentation, runtime):
    return Colours(Modality.IMAGE, (Modality.IMAGE,), (4, 4, 3), "uint8", 4, segmentation)
'''


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment of a process that finds the package, installed without a network."""
    base = tmp_path_factory.mktemp("third")
    source, site = base / "source", base / "site"
    source.mkdir()
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "colour_words.py").write_text(MODULE)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "--target", str(site)]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    return {**environment, "COLOURS_LOG": str(base / "log")}


def run(environment, *arguments):
    """`mmindex …` in a process of its own; its JSON."""
    command = [sys.executable, "-m", "flows.cli", *map(str, arguments), "--json"]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_it_is_listed_and_what_is_broken_of_it_is_told(installed, tmp_path):
    """Its package is named; an entry point that leads nowhere costs its own line only."""
    found = run(installed, "encoders", "--weights", tmp_path)["presets"]

    lines = {line["name"]: line for line in found}
    mine = lines["colour-words"]
    assert (mine["package"], mine["ready"]) == ("colour-words", True)
    assert [one["modality"] for one in mine["encoders"]] == ["text", "image"]
    assert {one["space"] for one in mine["encoders"]} == {"colour-words"}
    assert "colour_words_gone" in lines["colour-broken"]["error"]
    assert lines["embedded"]["ready"]


@pytest.mark.slow
def test_it_indexes_a_folder_and_finds(installed, tmp_path, prefect_server):
    """Its pictures are prepared in the processes that decode; a word finds its colour."""
    for colour in ("red", "green", "blue"):
        media.png(
            tmp_path / "media" / f"{colour}-{tmp_path.name}.png",
            Image.new("RGB", (20, 10), colour),
        )
    environment = {**installed, "PREFECT_API_URL": prefect_server}
    lake = tmp_path / "lake"

    done = run(
        environment, "index", tmp_path / "media", "--lake", lake, "--preset", "colour-words"
    )

    assert done["status"] == "published"
    assert done["new"]["colour-words-image"] == 3
    lines = Path(installed["COLOURS_LOG"]).read_text().split("\n")[:-1]
    by = {
        what: {line for line in lines if line.startswith(what)} for what in ("prepare", "encode")
    }
    pids = {what: {line.split()[1] for line in found} for what, found in by.items()}
    assert pids["prepare"]
    assert pids["prepare"].isdisjoint(pids["encode"])
    hits = run(environment, "search", "green", "--lake", lake, "--modality", "image")
    assert hits[0]["path"].startswith("green-")
    assert hits[0]["score"] > 0.9 > hits[1]["score"]
