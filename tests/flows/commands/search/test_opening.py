"""`mmindex search --open`: files of hits are opened."""

import json
from pathlib import Path

import pytest

from flows.commands.search import viewing
from flows.commands.search.viewing import Places
from mmcore.errors import ConfigError
from mmcore.types import Hit


@pytest.fixture
def viewed(monkeypatch, tmp_path_factory):
    """The files that a viewer was started for."""
    return viewer(tmp_path_factory.mktemp("viewer"), monkeypatch, "")


def viewer(folder, monkeypatch, does):
    """A system whose viewer notes what it was given, and then ``does`` something."""
    noted = folder / "opened"
    noted.touch()
    for name in ("xdg-open", "open"):
        script = folder / name
        script.write_text(f'#!/bin/sh\necho "$1" >> "{noted}"\n{does}\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    return lambda: noted.read_text().splitlines()


def test_the_file_of_a_hit_is_opened_by_its_number(run, viewed, lake):
    """Numbers are those that are shown, also of a later page."""
    media = lake.parent / "media"

    assert run("red", "-m", "image", "-k", "2", "--open", "1").code == 0
    later = run("red", "-m", "image", "-k", "2", "--offset", "3", "--open", "5", "--json")
    missing = run("red", "-k", "2", "--open", "3")

    wanted = json.loads(later.out)["hits"][1]["path"]
    assert viewed() == [str(media / "red-1.png"), str(media / wanted)]
    assert missing.code == 2
    assert "the search found hits 1 to 2" in missing.err


@pytest.mark.parametrize(
    "name", ["cat.sh", "cat.desktop", "cat.exe", "cat.html", "cat.svg", "cat", "cat.bat", "cat.py"]
)
def test_a_name_that_the_system_might_run_is_not_opened(tmp_path, viewed, name):
    """Files are indexed by content: a text may be called anything."""
    (tmp_path / name).write_text("a cat")

    with pytest.raises(ConfigError, match="not that of a medium"):
        viewing.view(Hit(1, "cat", 0.5, root="m", path=name), Places({"m": str(tmp_path)}))

    assert viewed() == []


@pytest.mark.parametrize(
    "name", ["a.JPG", "a.png", "a.wav", "a.flac", "a.mp4", "a.txt", "a.md", "a.pdf", "a.srt"]
)
def test_media_are_opened(tmp_path, viewed, name):
    """By the usual names of pictures, sounds, videos and documents."""
    (tmp_path / name).touch()

    viewing.view(Hit(1, "a", 0.5, root="m", path=name), Places({"m": str(tmp_path)}))

    assert viewed() == [str(tmp_path / name)]


def test_a_viewer_that_stays_is_left_to_itself(tmp_path, monkeypatch):
    """It has a window: nobody waits until it is closed."""
    opened = viewer(tmp_path, monkeypatch, "exec sleep 1")
    monkeypatch.setattr(viewing, "_WATCHED", 0.2)
    monkeypatch.setattr(viewing, "_RUNNING", running := [])
    Path(tmp_path / "cat.jpg").touch()

    viewing.view(Hit(1, "cat", 0.5, root="m", path="cat.jpg"), Places({"m": str(tmp_path)}))

    assert opened() == [str(tmp_path / "cat.jpg")]
    assert running.pop().wait(5) == 0


def test_a_file_that_cannot_be_opened_is_told(tmp_path, monkeypatch, capfd):
    """One that has moved, and a machine without a viewer, or with one that cannot show it."""
    Path(tmp_path / "cat.jpg").touch()
    places = Places({"m": str(tmp_path)})

    with pytest.raises(ConfigError, match="not on this machine"):
        viewing.view(Hit(1, "cat", 0.5, root="m", path="gone.jpg"), places)
    for does in ("echo there is no browser >&2; exit 3", None):
        if does is None:
            monkeypatch.setenv("PATH", str(tmp_path))
        else:
            viewer(tmp_path, monkeypatch, does)
        with pytest.raises(ConfigError, match="no viewer"):
            viewing.view(Hit(1, "cat", 0.5, root="m", path="cat.jpg"), places)
    assert capfd.readouterr() == ("", "")
