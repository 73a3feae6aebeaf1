"""Tests of a first run that publishes parts of what it has to do."""

import shutil
from itertools import pairwise

import pytest
from PIL import Image
from rich.console import Console

from flows.commands.index.show import indexed
from flows.commands.snapshots import command as snapshots
from flows.commands.status import command
from flows.stages import parts as parting
from flows.stages.parts import Parts
from mmcore.errors import SourceError
from mmcore.media.crawl import Walked
from mmcore.media.listing import Entry
from mmcore.search.notes import Note
from mmcore.specs import CrawlSpec, PartialSpec
from mmcore.types import Source
from storage import history
from storage.layout import Layout
from storage.manifest import Partial, read_manifest
from storage.published import current, published
from storage.snapshot import Snapshot
from tests import crashes, deaths, media
from tests.crashes import contents_of, differences
from tests.factories import manifest
from tests.soundness import sound

IN_PARTS = {"partial": PartialSpec(files=6)}
COLOURS = [(step, 255 - step, step // 2) for step in range(0, 250, 25)]


@pytest.fixture(autouse=True)
def fast():
    """Many runs."""
    with crashes.quick():
        yield


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function, over encoders that hash."""
    return crashes.plain_index(monkeypatch)


@pytest.fixture
def places(tmp_path):
    """Ten pictures with captions and a broken one, and where their lake will be."""
    folder = tmp_path / "media"
    for place, colour in enumerate(COLOURS):
        media.png(folder / f"a{place}.png", Image.new("RGB", (8, 8), colour))
        media.text(folder / f"a{place}.txt", f"Plain picture number {place}.")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    return folder, tmp_path / "lake"


def manifests(lake):
    """Those of all snapshots that are kept, in order."""
    layout = Layout(lake)
    return [read_manifest(layout.snapshot(n) / "manifest.json") for n in published(layout)]


def test_parts_are_published_before_the_whole(places, index):
    """Each part holds the one before, whole items each, and says that it is one; the last is all.

    The gate compares with no part, and nobody is told of that as of a loss.
    """
    folder, lake = places

    result = index(folder, lake, **IN_PARTS)

    *some, last = manifests(lake)
    assert len(some) >= 2
    assert last.partial is None
    assert result.snapshot == last.number
    held = [set(_paths(lake, one.number)) for one in (*some, last)]
    assert all(less < more for less, more in pairwise(held))
    for one in some:
        assert one.partial.of == 21
        assert len(_paths(lake, one.number)) <= one.partial.files < 21
        assert one.seen == ""
        items = Snapshot.open(Layout(lake), one.number).rows("items").to_pylist()
        pairs = [row for row in items if row["key"] != "broken"]
        assert all(row["has_image"] and row["has_text"] for row in pairs)
        sound(Snapshot.open(Layout(lake), one.number))
    assert {one.verdict for one in history.read(Layout(lake))} == {"unmeasured"}
    assert "part of a first run" in result.why
    assert index(folder, lake, **IN_PARTS).status == "unchanged"


def _paths(lake, number):
    return Snapshot.open(Layout(lake), number).rows("files", ["path"])["path"].to_pylist()


def test_the_whole_is_as_if_there_had_been_no_parts(places, index, tmp_path):
    """Rows, vectors, the projection, frozen queries: all as an undisturbed run makes them."""
    folder, lake = places
    index(folder, lake, **IN_PARTS)
    index(folder, tmp_path / "plain")
    found, plain = (Snapshot.open(Layout(one)) for one in (lake, tmp_path / "plain"))

    assert differences(contents_of(found), contents_of(plain)) == (0, 0, 0)
    assert found.rows("queries").num_rows == plain.rows("queries").num_rows
    assert found.manifest.projection.states == plain.manifest.projection.states
    assert (lake / "models/projection/p3").is_dir()  # each part fitted its own


def test_a_run_that_ended_after_a_part_is_gone_on_with(places, index, monkeypatch):
    """What a part had hashed and embedded is not read again; the next part follows it."""
    folder, lake = places
    real, calls = parting.Parts.cut, []

    def cut(self, *args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(parting.Parts, "cut", cut)
    with pytest.raises(KeyboardInterrupt):
        index(folder, lake, **IN_PARTS)
    (first,) = manifests(lake)
    assert first.partial is not None

    result = index(folder, lake, **IN_PARTS)

    assert manifests(lake)[1].partial.share > first.partial.share
    assert manifests(lake)[-1].partial is None
    assert sum(result.kept.values()) > 0


def test_without_the_setting_a_part_that_serves_is_made_whole(places, index, monkeypatch):
    """A later run that wants no parts takes everything, and a lost file is no loss of a root."""
    folder, lake = places
    index(folder, lake, **IN_PARTS)
    layout = Layout(lake)
    (layout.root / "CURRENT").write_text("1\n")  # as after a kill
    result = index(folder, lake, partial=PartialSpec(hours=0))

    assert result.status == "published"
    assert Snapshot.open(layout).manifest.partial is None


def test_a_lake_that_serves_all_gets_no_parts(places, index):
    """New files of a lake that has been whole come at once, however many there are."""
    folder, lake = places
    index(folder, lake)
    for place in range(20):
        media.text(folder / f"new{place}.txt", f"Something new, number {place}.")

    index(folder, lake, **IN_PARTS)

    assert [one.partial for one in manifests(lake)] == [None, None]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_run_in_parts_may_be_killed_at_every_change_of_the_disk(
    places, index, tmp_path, monkeypatch
):
    """Whichever change it dies at, what serves is whole, and the next run ends as undisturbed."""
    killed_everywhere(places, index, tmp_path, monkeypatch, step=1)


def test_a_run_in_parts_may_be_killed(places, index, tmp_path, monkeypatch):
    """The same at some changes of the disk: among them all that publish the first part."""
    killed_everywhere(places, index, tmp_path, monkeypatch, step=61)


def killed_everywhere(places, index, tmp_path, monkeypatch, step):
    """Kill a run at every ``step``-th change, and go on."""
    folder, _ = places
    index(folder, tmp_path / "undisturbed", **IN_PARTS)
    new = contents_of(Snapshot.open(Layout(tmp_path / "undisturbed")))
    lake, place = tmp_path / "killed", 1
    parts = 0
    while True:
        with deaths.dying(monkeypatch, lake, at=place) as disk:
            index(folder, lake, **IN_PARTS)
        if not disk.dead:
            break
        if current(Layout(lake)) is not None:
            serving = Snapshot.open(Layout(lake))
            sound(serving)
            parts += serving.manifest.partial is not None

        index(folder, lake, **IN_PARTS)

        assert differences(contents_of(Snapshot.open(Layout(lake))), new) == (0, 0, 0), disk.told
        assert not any((lake / "candidates").glob("*")), disk.told
        assert index(folder, lake, **IN_PARTS).status == "unchanged", disk.told
        shutil.rmtree(lake)
        place += step
    assert parts > 0


def walked(count):
    """A root of so many files."""
    return (Walked(Source("m", "/m"), tuple(Entry(f"f{n}", 10, 1) for n in range(count))),)


def test_a_part_has_about_as_many_files_as_told(tmp_path):
    """An even sample; each is a quarter larger at least; one of most files is all of them."""
    parts = Parts(PartialSpec(files=100), "auto")
    assert 60 < len(parts.cut(walked(1000), None, None)[0].entries) < 140
    late = at(Partial(share=0.6, files=600, of=1000))
    assert 680 < len(parts.cut(walked(1000), late, None)[0].entries) < 800
    assert parts.part.share == 0.75
    assert parts.cut(walked(1000), at(Partial(share=0.75, files=750, of=1000)), None)
    assert parts.part is None


def test_hours_are_told_by_the_forecast_and_then_by_the_clock(monkeypatch):
    """1,000 files in ten hours: 600 in six; a part that took twice as long makes the next less."""
    now = [0.0]
    monkeypatch.setattr(parting.time, "monotonic", lambda: now[0])
    parts = Parts(PartialSpec(hours=2.0), "auto")
    ahead = Ahead(reading=5 * 3600, models=1.0)
    parts.cut(walked(1000), None, ahead)
    assert parts.part.share == pytest.approx(0.2)
    now[0] = 4 * 3600.0

    before = Partial(share=0.2, files=200, of=1000)
    parts.cut(walked(1000), at(before), ahead)

    assert parts.part.share == pytest.approx(0.3)  # 200 in four hours: 100 in two


class Ahead:
    """A forecast."""

    def __init__(self, reading, models):
        self.reading, self.models = reading, models


def at(partial):
    """A snapshot that is such a part."""
    return Snapshot(Layout(None), manifest(partial=partial))


def test_a_small_source_or_no_hours_is_taken_at_once():
    """Nothing is forecast of a small one; 0 hours: never."""
    for spec in (PartialSpec(), PartialSpec(hours=0)):
        parts = Parts(spec, "auto")
        (whole,) = parts.cut(walked(50), None, None)
        assert (whole.share, len(whole.entries)) == (1.0, 50)
        assert parts.part is None


def test_rows_of_a_manifest_come_with_their_files(tmp_path, index):
    """No item of a part is a caption alone, for the file that it tells of comes later."""
    folder, lake = tmp_path / "media", tmp_path / "lake"
    rows = ["path,item,caption_en"]
    for place, colour in enumerate(COLOURS):
        media.png(folder / f"a{place}.png", Image.new("RGB", (8, 8), colour))
        rows.append(f"a{place}.png,thing{place},Thing number {place}.")
    (folder / "manifest.csv").write_text("\n".join(rows))

    index(folder, lake, partial=PartialSpec(files=3))

    first = manifests(lake)[0]
    assert first.partial is not None
    items = Snapshot.open(Layout(lake), first.number).rows("items").to_pylist()
    assert 0 < len(items) < 10
    assert all(one["has_image"] and one["has_text"] for one in items)


def test_a_part_of_nothing_that_can_be_used_is_an_error(tmp_path, index):
    """As of any folder: there is no medium."""
    folder = tmp_path / "media"
    folder.mkdir()
    for place in range(9):
        (folder / f"{place}.bin").write_bytes(b"\0\1\2\3" * 10)
    with pytest.raises(SourceError):
        index(folder, tmp_path / "lake", partial=PartialSpec(files=3), crawl=CrawlSpec())


def test_a_part_says_so_wherever_people_look(places, index, capsys):
    """Status, the list of snapshots, the report in both languages, and every search."""
    folder, lake = places
    index(folder, lake, **IN_PARTS)
    (lake / "CURRENT").write_text("1\n")
    first = manifests(lake)[0].partial

    command.run_status(str(lake), as_json=False)
    snapshots.run_list(str(lake), as_json=False)

    said = capsys.readouterr().out
    assert said.count(f"{first.files} of 21 files") == 2
    page = (lake / "reports/1/report.html").read_text()
    assert f"{first.files} of 21 files" in page
    assert f"21 个文件中的 {first.files} 个" in page
    assert (
        "的一部分"
        not in (lake / "reports" / str(published(Layout(lake))[-1]))
        .joinpath("report.html")
        .read_text()
        .split("<h2")[0]
    )


def test_a_search_of_a_part_says_so():
    """In the language of who asks."""
    note = Note("partial", files=20_000, of=2_000_000)

    assert note == "the lake holds 20,000 of 2,000,000 files so far: its first run goes on"
    assert note.said("zh") == "数据湖目前只有 2,000,000 个文件中的 20,000 个：首次运行仍在进行"


def test_a_run_that_is_cancelled_is_gone_on_with(places, index, monkeypatch):
    """By Prefect, or by its time limit: the lock is free, and what is embedded is kept."""
    from flows import index_media

    class TerminationSignal(BaseException):
        pass

    def cancelled(*_):
        raise TerminationSignal

    folder, lake = places
    with monkeypatch.context() as patch:
        patch.setattr(index_media, "assemble", cancelled)
        with pytest.raises(TerminationSignal):
            index(folder, lake)
    assert current(Layout(lake)) is None

    result = index(folder, lake)

    assert result.status == "published"
    assert set(result.new.values()) == {0}
    assert sum(result.kept.values()) == 20


def test_a_rehearsal_of_a_slow_source_reads_a_sample_alone(places, index, monkeypatch, capsys):
    """It says what that tells, and that it is about; one that is soon read is read."""
    from flows.stages import rehearsing
    from tasks import forecast

    folder, lake = places
    monkeypatch.setattr(forecast, "MANY", 10)
    assert index(folder, lake, dry_run=True).forecast is None
    monkeypatch.setattr(rehearsing, "LONG_SECONDS", 0.0)

    told = index(folder, lake, dry_run=True)

    assert (told.forecast.files, told.forecast.sampled, told.items) == (21, 21, 0)
    assert told.forecast.media == {"image": 11, "text": 10}
    assert not lake.exists()
    indexed(Console(), told)
    assert "21 files" in capsys.readouterr().out
