import pytest
from pydantic import SecretStr

from mmcore.errors import PublicationBlockedError, UntoldError
from storage import candidates
from tasks import alerts
from tasks.alerts import Alert, message_of
from tasks.workplace import Workplace


@pytest.fixture
def hidden(nights):
    """What no file of a report may say: names of files and items, words of captions, the place."""
    paths = [path.name for path in nights.folder.iterdir()]
    words = ["wall", "色的墙", str(nights.folder)]
    return [name.encode() for name in (*paths, *(name.rpartition(".")[0] for name in paths))] + [
        word.encode() for word in words
    ]


def said(folder, words):
    """Which of the words stand in a file below a folder."""
    return {
        (path.name, word)
        for path in folder.rglob("*")
        if path.is_file()
        for word in words
        if word in path.read_bytes()
    }


def test_no_report_of_a_private_lake_names_what_it_holds(nights, hidden):
    """Report, page, run files, history and what is kept of a blocked candidate."""
    nights.index(private=True)
    nights.worsen()
    with pytest.raises(UntoldError) as caught:
        nights.index(private=True)
    nights.mend()
    nights.evaluate()

    assert caught.value.exit_code == 3
    assert caught.value.kind == PublicationBlockedError.__name__
    (kept,) = candidates.blocked(nights.lake)
    assert kept.verdict == "block"
    for folder in ("reports", "history", "candidates"):
        assert said(nights.lake.root / folder, hidden) == set()


def test_no_message_of_a_private_lake_names_what_it_holds(nights, hidden, monkeypatch):
    """Neither where it lies nor why in words: numbers, and names of directions."""
    told = []
    monkeypatch.setattr(alerts, "send", lambda entries, message: told.append(message) or [])
    nights.index(private=True)
    nights.worsen()
    with pytest.raises(UntoldError):
        nights.index(private=True, notify=(SecretStr("json://host"),))

    (message,) = told
    text = f"{message.title}\n{message.body}".encode()
    assert [word for word in hidden if word in text] == []
    assert str(nights.lake.root).encode() not in text
    assert b"fell from" in text


def test_a_public_lake_says_where_it_lies(nights):
    """A person who is told wants to look."""
    nights.first()
    work = Workplace.of(nights.snapshot())

    assert str(nights.lake.root) in message_of(Alert("stale", 1, why="50 h"), work).body
    assert "50 h" in message_of(Alert("stale", 1, why="50 h"), work).body
