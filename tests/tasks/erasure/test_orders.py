"""An erasure, killed wherever it changes the disk, and its order until the proof is clean."""

import shutil
from pathlib import Path

import pytest

from storage.erasure import orders
from storage.errors import KeyLostError
from storage.keys import lake_key
from storage.layout import Layout
from storage.locks import writer_lock
from storage.published import current, published
from storage.snapshot import Snapshot
from tasks.erasure import erase
from tasks.erasure.choose import choose
from tests.crashes import Contents, contents_of, differences
from tests.deaths import dying
from tests.forgetting import CAT, CHINESE, all_findings
from tests.tasks.erasure.erasing import forget

STEP = 6  # so many tests share the moments of one erasure


def states(layout: Layout) -> list[Contents]:
    """What a search of each kept snapshot may see."""
    return [contents_of(Snapshot.open(layout, number)) for number in published(layout)]


def test_a_run_ends_an_erasure_that_was_killed(lake, tmp_path, index, monkeypatch, caplog):
    """The next writer does what is left, says so, and finds nothing changed."""
    lake_key(lake)
    with dying(monkeypatch, lake.root, at=40):
        forget(lake)
    assert orders.pending(lake) is not None

    result = index(tmp_path / "media", lake.root)

    assert (result.status, result.forgotten) == ("unchanged", 4)
    assert "an erasure that was interrupted was ended" in caplog.text
    assert orders.pending(lake) is None
    assert _holds(lake) == []


def test_an_order_stays_until_its_proof_is_clean(lake, monkeypatch):
    """A proof that was killed, or found something, is made again as it was, and told whole."""
    lake_key(lake)
    note = lake.root / "notes.txt"
    note.write_text(f"look at {CAT[0]}")

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erase, "prove", die)
        with pytest.raises(KeyboardInterrupt):
            forget(lake)
    with writer_lock(lake):
        for _ in range(2):
            again = erase.finish(lake)
            assert again.proof.left == {"notes.txt": ("path",)}
            assert again.reissued == (1, 2, 3)
            assert [model.model for model in again.models] == ["projection/p1"]
            assert orders.pending(lake) is not None
        note.unlink()
        assert erase.finish(lake).proof.left == {}
        assert erase.finish(lake) is None


def test_an_order_that_waits_shows_no_name(lake):
    """What its proof looks for is sealed under the lake's key."""
    (lake.root / "notes.txt").write_text(CAT[0])
    forget(lake)
    (lake.root / "notes.txt").unlink()

    assert orders.pending(lake) is not None
    assert _holds(lake) == []


def test_another_erasure_takes_up_one_that_waits(lake):
    """Its failed proof is not lost: both are proved, and both end together."""
    (lake.root / "notes.txt").write_text(CAT[0])
    forget(lake)
    with writer_lock(lake):
        order = choose(lake, ["media/grey.png"], (), content=False).selection.order
        assert erase.erase(lake, order).proof.left == {"notes.txt": ("path",)}
        (lake.root / "notes.txt").write_text("grey.png")
        assert erase.finish(lake).proof.left == {"notes.txt": ("path",)}
        (lake.root / "notes.txt").unlink()
        assert erase.finish(lake).proof.left == {}


def test_an_order_under_another_key_is_never_ended(lake):
    """Its proof would look for nothing."""
    (lake.root / "notes.txt").write_text(CAT[0])
    forget(lake)
    lake.key.write_bytes(b"x" * 32)

    with writer_lock(lake), pytest.raises(KeyLostError, match="is not the one"):
        erase.finish(lake)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(1, STEP + 1))
@pytest.mark.parametrize("content", [False, True])
def test_an_erasure_may_be_killed_at_any_moment(lake, tmp_path, monkeypatch, content, first):
    """Each snapshot stays whole, as it was or as it is to be, and the next writer ends it."""
    lake_key(lake)
    before, done = states(lake), _copy(lake, tmp_path / "done")
    forget(done, content=content)
    after, at, died = states(done), first, True
    while died:
        layout = _copy(lake, tmp_path / str(at))
        with dying(monkeypatch, layout.root, at=at) as disk:
            forget(layout, content=content)
        died = disk.dead
        assert current(layout) == 3, disk.told
        assert all_findings(layout) == [], disk.told
        for number, found in enumerate(states(layout)):
            wanted = (before[number], after[number])
            assert any(differences(found, one) == (0, 0, 0) for one in wanted), disk.told
        with writer_lock(layout):
            ended = erase.finish(layout)
        if ended is not None:
            assert ended.proof.left == {}, disk.told
            assert all_findings(layout) == [], disk.told
            assert _holds(layout) == [], disk.told
            for found, wanted in zip(states(layout), after, strict=True):
                assert differences(found, wanted) == (0, 0, 0), disk.told
        shutil.rmtree(layout.root)
        at += STEP
    assert at > 100


def _copy(lake: Layout, root: Path) -> Layout:
    shutil.copytree(lake.root, root)
    return Layout(root)


def _holds(layout: Layout) -> list[str]:
    """Files with a name or text of the cat's own."""
    words = [name.encode() for name in CAT] + [CHINESE.encode()]
    files = [path for path in layout.root.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(word in path.read_bytes() for word in words)]
