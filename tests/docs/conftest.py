"""A home as the pages have it: folders of media, a lake of them, and the command line."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows import evaluate_retrieval
from flows.config.index import IndexConfig
from storage.layout import Layout
from storage.published import current, manifest_of
from storage.schemas import MODALITIES, Modality
from tests import crashes, media
from tests.commands import Answer, plain_commands
from tests.fakes import HashEncoder

ROOTS = ("photos=~/Pictures", "notes=~/Notes")
PLACES = {"/srv/lake": "~/lake", "/srv/photos": "~/Pictures"}
FILES = {  # what pages name, by folder
    "Pictures": ("2019/anna.jpg", "trips/cat.jpg", "trips/wall.jpg", "trips/rocket.jpg"),
    "media": ("trips/cat.jpg", "trips/wall.jpg"),
    "examples/media": ("animals/horses.jpg",),
    ".": ("holiday.jpg", "picture.jpg", "wall.jpg"),
}


def makers() -> dict[str, Callable[..., HashEncoder]]:
    """Encoders of all media in one space, so that texts find pictures."""

    def maker(modality: Modality) -> Callable[..., HashEncoder]:
        return lambda cut: HashEncoder(modality, segmentation=cut, space="hash")

    ordered = sorted(MODALITIES, key=lambda m: m != Modality.TEXT)
    return {f"hash-{m}": maker(m) for m in ordered}


@dataclass(frozen=True, slots=True)
class Home:
    """A scratch folder that is the home, and the current folder, of what a page says."""

    folder: Path
    call: Callable[..., Answer]

    @property
    def lake(self) -> Path:
        """Where its lake lies."""
        return self.folder / "lake"

    def run(self, *words: str) -> Answer:
        """Run `mmindex …` as a shell in this home would; a first run has its folder to itself."""
        told = [self.placed(word) for word in words]
        if told[0] == "index":
            self._make_room(told)
        return self.call(*told)

    def placed(self, word: str) -> str:
        """A word with the places of the pages made ones of this home."""
        for place, here in PLACES.items():
            word = word.replace(place, here)
        return word.replace("~", str(self.folder), 1)

    def _make_room(self, words: list[str]) -> None:
        roots = [w for w in words[1:] if Path(w.rpartition("=")[2]).is_dir()]
        roots = [w for w in roots if Path(w) != Path(self.lake_of(words))]
        lake = Path(self.lake_of(words))
        aliases = {s.alias for s in IndexConfig(media=tuple(roots), lake=str(lake)).sources()}
        layout = Layout(lake)
        if current(layout) and set(manifest_of(layout).sources) != aliases:
            shutil.rmtree(lake)

    @staticmethod
    def lake_of(words: list[str]) -> str:
        """The lake that a command names."""
        named = next((words[i + 1] for i, w in enumerate(words) if w in {"--lake", "-l"}), None)
        return named or os.environ.get("MMINDEX_LAKE", "lake")


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that tests take a copy of, with its lake."""
    home = tmp_path_factory.mktemp("docs") / "home"
    for folder, names in FILES.items():
        for number, name in enumerate(names):
            media.jpeg(home / folder / name, media.noise(48, 32, seed=len(folder) * 10 + number))
    for folder in ("Pictures", "media"):
        media.text(home / folder / "trips" / "cat.txt", "A cat on a red wall.")
        media.text(home / folder / "trips" / "cat.zh.txt", "红墙上的一只猫。")
    media.text(home / "Notes" / "sea.zh.txt", "海边的灯塔，夜里看得见。")
    media.wav(home / "Notes" / "bark.wav", 0.5)
    media.wav(home / "bark.wav", 0.5)
    media.mp4(home / "shore.mp4")
    for number, colour in enumerate(("red", "blue")):
        media.jpeg(home / "photos" / "train" / f"image_{number}.jpg")
        media.text(home / "photos" / "train" / f"text_{number}.txt", f"A {colour} thing.")
        media.wav(home / "photos" / "train" / f"audio_{number}.wav", 0.5)
    _sheets(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("MMINDEX_CACHE", str(home / ".cache"))
        logging.disable(logging.INFO)
        index = crashes.plain_index(patch, makers=makers())
        index(home, home / "lake", media=ROOTS)
        logging.disable(logging.NOTSET)
    shutil.copytree(home / "lake", home / "demo-lake")
    return home


def _sheets(home: Path) -> None:
    """The tables that the pages name: a manifest with a column of its own, and judgements."""
    (home / "Pictures" / "trips" / "manifest.csv").write_text(
        "path,caption,language,label,城市\nwall.jpg,一面红墙,zh,trips,上海\n", "utf-8"
    )
    (home / "judged.csv").write_text(
        "query,path,language\na red wall,photos/trips/wall.jpg,en\n"
        "红墙上的猫,photos/trips/cat.jpg,zh\n",
        "utf-8",
    )
    (home / "zh-en.csv").write_text("zh,en\n一只猫,a cat\n一面墙,a wall\n", "utf-8")
    (home / "words.txt").write_text("海边灯塔 100 n\n", "utf-8")


@pytest.fixture
def home(
    furnished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Home:
    """A home of one test, in which commands are plain calls and presets have no weights."""
    folder = tmp_path / "home"
    shutil.copytree(furnished, folder)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("MMINDEX_CACHE", str(folder / ".cache"))
    monkeypatch.delenv("MMINDEX_LAKE", raising=False)
    monkeypatch.chdir(folder)
    call = plain_commands(monkeypatch, capsys)
    crashes.use_encoders(monkeypatch.setattr, makers())
    monkeypatch.setattr(
        evaluate_retrieval, "evaluate_retrieval", evaluate_retrieval.evaluate_retrieval.fn
    )
    return Home(folder, call)
