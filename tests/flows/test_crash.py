import re
import shutil

import pytest

from storage.layout import Layout
from storage.published import current, published
from storage.snapshot import Snapshot
from tests import crashes, deaths
from tests.crashes import contents_of, differences
from tests.soundness import sound

CHANCE = re.compile(r"[0-9a-f]{16,}|[0-9]{8}T[0-9.]+")  # digests of what has a time, times


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
    lake = tmp_path / "lake"
    shutil.copytree(before, lake)
    with deaths.imaged(monkeypatch, lake, tmp_path / "images") as images:
        index(folder, lake)
    assert differences(contents_of(verified(lake)), new) == (0, 0, 0)
    for left in images:
        deaths.restore(left, lake)
        serving = verified(lake)
        if serving is None or (old and serving.manifest.number == old.manifest.number):
            assert serving == (old and Snapshot(Layout(lake), old.manifest)), left.told
        else:
            assert differences(contents_of(serving), new) == (0, 0, 0), left.told
        served = {one.manifest.number for one in (old, serving) if one}
        assert published(Layout(lake)) == sorted(served), left.told

        index(folder, lake)

        assert differences(contents_of(verified(lake)), new) == (0, 0, 0), left.told
        folders = sorted(int(folder.name) for folder in (lake / "snapshots").iterdir())
        assert folders == published(Layout(lake)), left.told
        assert not any((lake / "candidates").glob("*")), left.told
        assert index(folder, lake).status == "unchanged", left.told
    print(f"died at each of {len(images)} changes of the disk")  # noqa: T201 - pytest -rP shows it
    assert len(images) > 50  # an undisturbed run changes the disk more often than that


def test_an_image_is_what_a_death_leaves(case, index, tmp_path, monkeypatch):
    """The same files of the same sizes, at whichever change a run really dies."""
    folder, before, _ = case
    alive = tmp_path / "alive"
    shutil.copytree(before, alive)
    with deaths.imaged(monkeypatch, alive, tmp_path / "images") as images:
        index(folder, alive)
    for at in range(8, len(images) + 1, 25):
        lake = tmp_path / str(at)
        shutil.copytree(before, lake)
        with deaths.dying(monkeypatch, lake, at=at) as disk:
            index(folder, lake)
        assert disk.dead
        names, sizes = files(lake)
        imaged, of_image = files(images[at - 1].lake)
        assert names == imaged, disk.told
        assert sizes == pytest.approx(of_image, rel=0.05), disk.told


def files(lake):
    """Names and sizes of all files and folders, but for what of a name differs between runs."""
    found = sorted(
        (CHANCE.sub("*", str(path.relative_to(lake))), path.stat().st_size * path.is_file())
        for path in lake.rglob("*")
    )
    return [name for name, _ in found], [size for _, size in found]


def verified(lake):
    """The published snapshot, its files read and found whole; None where there is none."""
    if current(Layout(lake)) is None:
        return None
    snapshot = Snapshot.open(Layout(lake))
    sound(snapshot)
    return snapshot
