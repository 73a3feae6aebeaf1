"""How a hit is shown."""

from io import StringIO

import pytest
from rich.console import Console

from flows.commands.search import show as show_hits
from flows.commands.search.show import Listing
from flows.commands.search.viewing import Places
from mmcore.types import Hit, Reason, Span


def test_the_root_is_named_where_the_lake_has_several():
    """Also where all hits are of one: it belongs to their names."""
    hit = Hit(1, "cat", 0.5, root="media", path="cat.jpg")

    assert "media/cat.jpg" in shown(hit, with_root=True)
    assert "media/cat.jpg" not in shown(hit)


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


@pytest.mark.parametrize(
    ("path", "told"), [("n.md", "A cat"), ("n.MARKDOWN", "A cat"), ("n.sh", "# A cat")]
)
def test_a_heading_is_shown_without_its_signs(path, told):
    """Of a Markdown file; elsewhere they may be a script's comment, and a tag is no heading."""
    hit = Hit(1, "cat", 0.5, path=path, root="m", text="# A cat\n\n#tabby\n## 名字 ##\n")

    text = " ".join(shown(hit).split())

    assert f"{path} {told} #tabby" in text
    assert ("## 名字" in text) == path.endswith(".sh")


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
