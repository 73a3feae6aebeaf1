"""Nights in which what the lake's own queries are made of has changed."""

from flows.commands.evaluate import show as show_evaluation
from flows.commands.evaluate.command import matching
from flows.commands.snapshots import show as show_snapshots
from flows.terminal.printing import OUT
from mmcore.evaluation.querysets.imported import import_qrels
from storage import history
from storage.querysets import write_set
from tasks import alerts


def swap(nights):
    """Half of the English captions stand beside the next item's picture."""
    paths = sorted(nights.folder.glob("*.txt"))
    paths = [path for path in paths if not path.name.endswith(".zh.txt")][:12]
    texts = [path.read_text() for path in paths]
    for path, text in zip(paths, [*texts[1:], texts[0]], strict=True):
        path.write_text(text)


def add_set(nights, path):
    """A caption of each item of sixteen asks for that item."""
    lines = [f"A {colour} wall number {n},media/{colour}{n}" for n, colour in judged(nights)]
    path.write_text("query,item\n" + "\n".join(lines) + "\n")
    snapshot = nights.snapshot()
    found = import_qrels(snapshot, path)
    write_set(snapshot.layout, found.card("shop"), found.queries, found.qrels, found.media)


def judged(nights):
    """Number and colour of the items whose captions are swapped, and of some others."""
    names = sorted(path.stem for path in nights.folder.glob("*.png"))
    return [
        (int(name.lstrip("abcdefghijklmnopqrstuvwxyz")), name.rstrip("0123456789"))
        for name in names[:16]
    ]


def test_swapped_captions_are_no_pass(nights, capsys):
    """What is no longer compared is told: how many items, and of which direction how much."""
    nights.first()
    before = history.read(nights.lake)[-1]
    swap(nights)
    result = nights.evaluate(snapshot=nights.index().snapshot)
    shrunk = [one for one in result.findings if one.kind == "shrunk"]

    assert result.status == "warn"
    assert (result.items, result.items_changed) == (24, 12)
    assert {one.action for one in result.findings} == {"warn"}
    for one in shrunk:
        assert one.of == before.queries[one.subject]
        assert one.before == before.scores[one.subject][one.measure]
        assert one.compared < max(5, 0.8 * one.of)
    assert "text:en→image" in {one.subject for one in shrunk}
    for language, said in (("en", "12 of 24 items changed"), ("zh", "24 个条目中有 12 个已改动")):
        show_evaluation.evaluated(OUT, result, language)
        assert said in capsys.readouterr().out


def test_where_all_captions_changed_everybody_is_told(nights, monkeypatch):
    """Nothing is left to compare: that is no pass, and each direction says what it had."""
    told = []
    monkeypatch.setattr(alerts, "send", lambda entries, message: told.append(message) or [])
    nights.index()
    before = history.read(nights.lake)[-1]
    for path in nights.folder.glob("*.txt"):
        path.write_text(path.read_text() + " Once more.")
    nights.index(notify=("json://host",))
    result = nights.evaluate()

    assert (result.status, result.items_changed) == ("unmeasured", 24)
    assert {one.kind for one in result.findings} == {"shrunk"}
    assert {one.subject: one.of for one in result.findings} == before.queries
    assert "0 of 21 queries" in told[0].body


def test_a_set_of_the_users_is_told_apart_in_the_history(nights, tmp_path):
    """One figure a snapshot is of the lake's own queries: a set that is added moves it nowhere."""
    nights.first()
    (before,) = history.read(nights.lake)
    add_set(nights, tmp_path / "shop.csv")
    nights.evaluate()
    after = history.read(nights.lake)[-1]

    assert any(name.startswith("shop/") for name in after.scores)
    assert matching(after, "*", "RR") == matching(before, "*", "RR")
    assert set(matching(after, "shop/*", "RR")) == {n for n in after.scores if "/" in n}
    manifest = nights.snapshot().manifest
    told = [
        show_snapshots.line_json(
            manifest, manifest.evaluation.model_copy(update={"scores": one.scores})
        )
        for one in (before, after)
    ]
    assert told[0]["score"] == told[1]["score"]
