import pytest

from flows.config.index import IndexConfig
from flows.stages.beforehand import nothing_to_do
from mmcore.specs import FitSpec, PlanSpec, RuntimeSpec
from storage.layout import Layout
from storage.places.atomic import write_bytes
from tests import crashes, media


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A published lake of a settled folder, and the settings of the run that made it."""
    index = crashes.plain_index(monkeypatch)
    folder, lake = tmp_path / "media", tmp_path / "lake"
    crashes.make_folder(folder)
    for path in folder.iterdir():
        crashes.os.utime(path, (1_700_000_000, 1_700_000_000))
    index(folder, lake)
    return IndexConfig(
        media=(str(folder),),
        lake=str(lake),
        preset="hash",
        fit=FitSpec(min_pairs=1, held_out=0, folds=2),
        plan=PlanSpec(min_shards=1),
        runtime=RuntimeSpec(device="cpu"),
        workers=1,
    )


def test_it_says_what_the_flow_would_say(config):
    """Nothing changed: the same result, and no file of the lake is written."""
    from flows.index_media import index_media

    told = nothing_to_do(config)

    assert told is not None
    assert told.status == "unchanged"
    times = {"seconds": {}}
    assert told.model_copy(update=times) == index_media.fn(config).model_copy(update=times)


def test_what_changed_is_the_flows_to_find(config, tmp_path):
    """A new file, a dry run, a wish to hash all: it has no answer."""
    assert nothing_to_do(config.model_copy(update={"dry_run": True})) is None
    crawl = config.crawl.model_copy(update={"hash_all": True})
    assert nothing_to_do(config.model_copy(update={"crawl": crawl})) is None
    media.text(tmp_path / "media" / "new.txt", "A new one.")
    assert nothing_to_do(config) is None


@pytest.mark.parametrize(
    "name", ["candidates/r/manifest.json", "staging/x", "tombstones/pending.json"]
)
def test_what_is_unfinished_is_the_flows_to_end(config, tmp_path, name):
    """A candidate, staged files or an erasure that waits."""
    write_bytes(tmp_path / "lake" / name, b"{}")

    assert nothing_to_do(config) is None


def test_what_is_wrong_is_the_flows_to_tell(config, tmp_path):
    """A damaged file of the lake, or a folder that is gone."""
    part = next((tmp_path / "lake" / "files").glob("part-*"))
    whole = part.read_bytes()
    part.write_bytes(b"")
    assert nothing_to_do(config) is None
    part.write_bytes(whole)
    assert nothing_to_do(config) is not None
    for path in (tmp_path / "media").iterdir():
        path.unlink()
    assert nothing_to_do(config) is None


def test_an_empty_lake_has_no_answer(config, tmp_path):
    """Nothing is published, so there is something to do."""
    assert nothing_to_do(config.model_copy(update={"lake": str(tmp_path / "other")})) is None
    assert not Layout(tmp_path / "other").root.exists()
