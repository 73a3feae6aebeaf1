"""Items of which nothing could be used."""

from flows.commands.status import show
from flows.terminal.printing import OUT
from tasks.empty_items import empty_items
from tests.lakes import coloured_items, make_lake, towers


def test_an_item_of_which_no_file_could_be_used_has_no_content(tmp_path):
    """It counts as an item, and nothing can find it: here no encoder takes its sound."""
    items = {"frog": {"frog.wav": "1.0"}, **coloured_items()}

    assert empty_items(make_lake(tmp_path / "deaf", items, towers())) == 1
    assert empty_items(make_lake(tmp_path / "all", items, towers(audio=True))) == 0


def test_status_says_how_many(tmp_path, capsys):
    """Beside the number of items; nothing where all have content."""
    snapshot = make_lake(tmp_path, coloured_items(), towers())

    show.status(OUT, snapshot.layout, snapshot.manifest, 2)
    assert "(2 without content" in capsys.readouterr().out
    show.status(OUT, snapshot.layout, snapshot.manifest)
    assert "without content" not in capsys.readouterr().out
