"""`mmindex search`: what can be asked at once, how the answers are told, files that are opened."""

import json
import re
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from rich.console import Console

from flows import cli
from flows.commands.search import show as show_hits
from flows.commands.search import viewing
from flows.commands.search.show import Listing
from flows.commands.search.viewing import Places
from flows.terminal import printing
from mmcore.errors import ConfigError
from mmcore.search import planning
from mmcore.types import Hit, Reason, Span
from storage.schemas import item_id
from tests.commands import Answer
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.search.http.plugged import declare_colours


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A published lake of eight colours and its folder of media, with its preset installed."""
    root = tmp_path_factory.mktemp("lake")
    made = make_lake(root, coloured_items(), towers())
    manifest = made.layout.snapshot(1) / "manifest.json"
    told = json.loads(manifest.read_text()) | {"sources": {"media": str(root / "media")}}
    manifest.write_text(json.dumps(told))
    with pytest.MonkeyPatch.context() as patch:
        declare_colours(patch, tmp_path_factory.mktemp("declared"))
        yield root / "lake"


@pytest.fixture
def run(monkeypatch, capsys, lake):
    """Run `mmindex search … --lake LAKE`."""
    monkeypatch.setenv("LC_ALL", "C")

    def answer(*arguments):
        monkeypatch.setattr(sys, "argv", ["mmindex", "search", *map(str, arguments)])
        sys.argv += ["--lake", str(lake)]
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return Answer(int(ended.value.code or 0), out, err)

    return answer


@pytest.fixture
def asked(run):
    """The keys of the answers of a search, by its `--json`."""

    def keys(*arguments):
        return [hit["key"] for hit in json.loads(run(*arguments, "--json").out)["hits"]]

    return keys


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


def test_several_things_are_asked_at_once(asked, lake):
    """Texts by position and by option, a picture, and an item beside them."""
    red = lake.parent / "media" / "red-1.png"

    assert set(asked("red", "--text", "blue", "-k", "2")) == {"red-1", "blue-1"}
    assert set(asked("--text", "blue", "--image", red, "-k", "2")) == {"red-1", "blue-1"}
    assert asked("blue", "--item", "red-1", "-k", "1") == ["blue-1"]
    assert asked("red", "--text", "blue", "--without", "red", "-k", "1") == ["blue-1"]


@pytest.mark.parametrize("name", ["red-1", "media/red-1", str(item_id("media", "red-1"))])
def test_an_item_has_three_names(asked, name):
    """Its key, root and key, its id; it is not among the answers itself."""
    found = asked("--item", name, "-k", "20")

    assert len(found) == 7
    assert "red-1" not in found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--item", "none"), "the lake has no item 'none'"),
        (("red", "--words", "7"), "words"),
        (("red", "--diversity", "2"), "diversity"),
        (("red", "--method", "magic"), "method"),
        (("red", "-k", "1001"), "k:"),
        (("red", "--where", "nothing = 1"), "nothing"),
        (("red", "-m", "image", "--language", "zh"), "a language chooses among texts"),
        (("--without", "red"), "say what to look for"),
    ],
)
def test_what_cannot_be_asked_is_one_line(run, arguments, says):
    """With the exit code of a wrong setting."""
    answer = run(*arguments)

    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert says in answer.err


def test_how_it_is_searched_is_told_by_options(asked):
    """A condition, media, pages, and how lists are blended."""
    first = asked("red", "-k", "3")

    assert asked("red", "--where", "key = 'grey-1'") == ["grey-1"]
    assert asked("red", "-k", "2", "--offset", "1") == first[1:]
    both = ("red", "-m", "image", "-m", "text", "-k", "1", "--words", "0")
    assert asked(*both) == asked(*both, "--method", "rrf") == ["red-1"]
    assert asked("red", "--diversity", "0.5", "--collapse", "-k", "1") == ["red-1"]


def test_programs_get_the_whole_answer(run, lake):
    """Snapshot, notes, why each hit is there; ids are texts."""
    told = json.loads(run("red", "-m", "text", "-k", "1", "--json").out)
    (hit,) = told["hits"]
    (why,) = hit["why"]

    assert (told["snapshot"], told["notes"]) == (1, [planning.NO_WORDS])
    assert set(told["seconds"]) == {"plan", "encode", "search", "rank", "show"}
    assert (why["by"], why["segment_id"], why["words"]) == ("text", hit["segment_id"], [])
    assert hit["item_id"] == str(item_id("media", "red-1"))
    assert hit["duplicates"] == 0


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("note: words were not searched", "score", "why", "image")),
        ("zh", ("注意：没有按词语搜索：这个快照没有词表", "得分", "依据", "图片")),
    ],
)
def test_people_are_told_in_their_language(run, language, said):
    """Heads, media, and what could not be asked; the notes are no part of the answer."""
    answer = run("red", "-m", "image", "-k", "1", "--lang", language)

    assert all(word in answer.err + answer.out for word in said)
    assert said[0] not in answer.out
    assert "red-1.png" in answer.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--item", "none"), "数据湖中没有条目 'none'"),
        (("red", "--words", "7"), "words：不能大于 1（给出的是 7.0）"),
        (("red", "-m", "video"), "数据湖中没有视频的索引；现有：图片、文本、整个条目"),
        (("--image", "/nowhere.png"), "/nowhere.png 不存在：请指定文件"),
        (("red", "-k", "2", "--open", "3"), "结果编号为 1 到 2"),
        ((), "请说明要找什么"),
    ],
)
def test_errors_are_told_in_their_language(run, arguments, says):
    """Whole: what is wrong, and what there is."""
    answer = (
        run(*arguments, "--words", "0", "--lang", "zh") if "--words" not in arguments else None
    )
    answer = answer or run(*arguments, "--lang", "zh")

    assert answer.code == 2
    assert says in answer.err


def test_notes_are_told_whole_in_their_language(run):
    """Reasons included, on a terminal and for programs."""
    people = run("red", "-m", "image", "-m", "video", "-k", "1", "--words", "0", "--lang", "zh")
    programs = run("red", "--where", "key = 'none'", "--words", "0", "--lang", "zh", "--json")

    assert "注意：未搜索：数据湖中没有视频的索引；现有：图片、文本、整个条目" in people.err
    assert json.loads(programs.out)["notes"] == ["没有符合条件的条目"]


def test_nothing_found_says_why(run):
    """A condition that nothing passes, and a page beyond the last one."""
    none = run("red", "--where", "key = 'none'", "--words", "0")
    beyond = run("red", "--offset", "50", "--words", "0")

    assert "nothing found" in none.out
    assert "no item passes the condition" in none.err
    assert "no answers beyond the first 50" in beyond.err


def test_a_hyphen_says_what_is_not_wanted(asked, run):
    """As in the field of the page; a text of nothing else asks for nothing."""
    assert asked("red -blue", "-k", "8") == asked("red", "--without", "blue", "-k", "8")
    assert asked("red -blue", "-k", "8") != asked("red", "-k", "8")
    assert run("--text=-blue").code == 2


def test_what_is_not_wanted_has_a_weight(asked):
    """One of nearly nothing takes nearly nothing away."""
    both = ("red", "--text", "blue", "--without", "blue", "--words", "0", "-k", "2")

    assert {*asked(*both, "--without-weight", "0.01")} == {"red-1", "blue-1"}
    assert "blue-1" not in asked(*both, "--without-weight", "10")


@pytest.mark.parametrize("name", ["red-1.png", "media/red-1.png"])
def test_an_item_is_named_by_its_file(asked, name):
    """By its path, or by root and path, as a search shows them."""
    assert asked("--item", name, "-k", "20") == asked("--item", "red-1", "-k", "20")


def test_the_root_is_named_where_the_lake_has_several():
    """Also where all hits are of one: it belongs to their names."""
    hit = Hit(1, "cat", 0.5, root="media", path="cat.jpg")

    assert "media/cat.jpg" in shown(hit, with_root=True)
    assert "media/cat.jpg" not in shown(hit)


def test_an_output_of_another_encoding_ends_nothing(monkeypatch):
    """What it does not have is escaped; JSON stays JSON."""
    out = TextIOWrapper(BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    printing.lenient()

    printing.OUT.print("猫")
    printing.print_json({"key": "猫 \udcff"})
    out.flush()

    table, _, told = out.buffer.getvalue().decode("ascii").partition("\n")
    assert table == "\\u732b"
    assert json.loads(told) == {"key": "猫 \udcff"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has a full device")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_output_that_is_full_is_told_as_such(run, monkeypatch, options):
    """It is not the lake that has no room."""
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        answer = run("red", "-k", "1", *options)

    assert answer.code == 1
    assert "the output cannot be written: No space left on device" in answer.err
    assert "lake" not in answer.err


@pytest.mark.parametrize("page", ["docs/search.md", "README.md"])
def test_the_programs_of_the_pages_run(lake, monkeypatch, page):
    """As they stand there, in the folder that has the lake."""
    text = (Path(__file__).parents[2] / page).read_text("utf-8")
    programs = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    programs = [one for one in programs if "from mmcore.search import" in one]
    monkeypatch.chdir(lake.parent)
    names = {}

    for program in programs:
        exec(program, names)

    assert names["answer"].snapshot == 1
    assert names["answer"].hits


def shown(hit, *, terminal=False, width=200, **listing):
    """What a terminal shows of a hit."""
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system="standard")
    if not terminal:
        console = Console(file=out, width=width)
    show_hits.hits(console, [hit], Listing(why=True, **listing))
    return out.getvalue()


def test_why_names_media_and_words():
    """And how many nearly equal items a hit stands for; a word is no markup."""
    why = (
        Reason("image", 2.0, 5),
        Reason("words", 3.0, 6, Span(0, 9, "char"), ("red", "[bold]")),
        Reason("audio", 1.0, 7),
    )
    hit = Hit(1, "cat", 0.5, path="cat.jpg", root="media", why=why, duplicates=1200)

    text = " ".join(shown(hit).split())
    chinese = "".join(shown(hit, language="zh").split())

    assert "image, audio" in text
    assert "words: red [bold]" in text
    assert "stands for 1,200 more" in text
    assert "图片,声音" in chinese
    assert "词语：red[bold]" in chinese


@pytest.mark.parametrize("width", [80, 100])
def test_a_narrow_terminal_folds_and_cuts_nothing(width):
    """No line is wider than it; path and words are there to the last character."""
    path = "/".join(["a-folder-with-a-long-name"] * 4) + "/最后.jpg"
    hit = Hit(1, "key-" * 12, 0.5, root="m", path=path, why=(Reason("words", 1, words=("w",)),))

    lines = shown(hit, width=width, language="zh").splitlines()

    assert all(len(line) <= width for line in lines)
    text = "".join("".join(lines).split())
    assert "最后" in text
    assert "词语" in text


def test_a_link_leads_to_the_file_on_a_terminal_only(tmp_path):
    """OSC 8 with a file: URL; what a pipe reads has none."""
    place = tmp_path / "a b[1].jpg"
    hit = Hit(1, "cat", 0.5, root="media", path="a b[1].jpg")

    assert f";{place.as_uri()}\x1b\\a b[1].jpg\x1b]8;;" in shown(
        hit, terminal=True, places=[place]
    )
    assert "\x1b" not in shown(hit, places=[place])
    assert "\x1b]8" not in shown(hit, terminal=True)


def test_a_file_has_a_place_below_its_root_alone(tmp_path):
    """Not elsewhere, by whatever way; not in a store, and not where it is gone."""
    root = tmp_path / "media"
    root.mkdir()
    for file in (root / "cat.jpg", tmp_path / "secret.jpg"):
        file.touch()
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    places = Places({"media": str(root), "store": "s3://bucket/media"})

    def place(path, alias="media"):
        return places.of(Hit(1, "cat", 0.5, root=alias, path=path))

    assert place("cat.jpg") == root / "cat.jpg"
    outside = ("../secret.jpg", "link.jpg", str(tmp_path / "secret.jpg"), "gone.jpg", "a\0b", None)
    assert [place(path) for path in outside] == [None] * len(outside)
    assert place("x" * 5000) is None
    assert place("cat.jpg", "store") is place("cat.jpg", "other") is None


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
