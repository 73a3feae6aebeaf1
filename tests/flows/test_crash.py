import shutil

import pytest

from storage.layout import Layout
from storage.published import current, published
from storage.snapshot import Snapshot
from tests import crashes
from tests.crashes import contents_of, differences
from tests.soundness import sound


@pytest.fixture(autouse=True)
def fast():
    """Hundreds of runs."""
    with crashes.quick():
        yield


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function, over encoders that hash."""
    return crashes.plain_index(monkeypatch)


@pytest.fixture(params=["first", "second"])
def case(request, tmp_path, index):
    """A folder and its lake before and after an undisturbed run: the first, or the second one."""
    folder, before, after = (tmp_path / name for name in ("media", "before", "after"))
    crashes.make_folder(folder)
    before.mkdir()
    if request.param == "second":
        index(folder, before)
        crashes.change_folder(folder)
    shutil.copytree(before, after, dirs_exist_ok=True)
    assert index(folder, after).status == "published"
    return folder, before, after


def test_a_run_may_be_killed_at_every_change_of_the_disk(case, index, tmp_path, monkeypatch):
    """Whichever change it dies at, what serves is whole, and the next run ends as undisturbed."""
    folder, before, after = case
    old, new = verified(before), contents_of(verified(after))
    assert {"cells image", "vectors image", "fused"} <= new.vectors.keys()
    lake, place = tmp_path / "lake", 0
    while True:
        place += 1
        shutil.copytree(before, lake)
        with crashes.dying(monkeypatch, lake, at=place) as disk:
            index(folder, lake)
        if not disk.dead:
            break
        serving = verified(lake)
        if serving is None or (old and serving.manifest.number == old.manifest.number):
            assert serving == (old and Snapshot(Layout(lake), old.manifest)), disk.told
        else:
            assert differences(contents_of(serving), new) == (0, 0, 0), disk.told
        served = {one.manifest.number for one in (old, serving) if one}
        assert published(Layout(lake)) == sorted(served), disk.told

        index(folder, lake)

        assert differences(contents_of(verified(lake)), new) == (0, 0, 0), disk.told
        folders = sorted(int(folder.name) for folder in (lake / "snapshots").iterdir())
        assert folders == published(Layout(lake)), disk.told
        assert not any((lake / "candidates").glob("*")), disk.told
        assert index(folder, lake).status == "unchanged", disk.told
        shutil.rmtree(lake)
    print(f"died at each of {place - 1} changes of the disk")  # noqa: T201 - pytest -rP shows it
    assert place > 50  # an undisturbed run changes the disk more often than that


def verified(lake):
    """The published snapshot, its files read and found whole; None where there is none."""
    if current(Layout(lake)) is None:
        return None
    snapshot = Snapshot.open(Layout(lake))
    sound(snapshot)
    return snapshot
