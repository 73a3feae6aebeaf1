import pytest

from mmcore.errors import ConfigError
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Content, Source
from storage import keys, schemas
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.schemas import Modality, content_id
from storage.snapshot import Snapshot
from tasks import privacy
from tasks.workplace import Workplace
from tests.factories import small_lake


def work_in(root, *, private=True):
    """A run on the lake at ``root``."""
    specs = (SegmentationSpec(), LimitsSpec(), RuntimeSpec())
    return Workplace(Layout(root), "embedded", *specs, private=private)


def private_lake(root):
    """A published private lake, as far as its manifest and key go."""
    snapshot = small_lake(root)
    keys.lake_key(snapshot.layout)
    told = snapshot.manifest.model_copy(update={"private": True})
    return Snapshot.of(snapshot.layout, told)


def caption(text):
    """A caption of a manifest."""
    raw = text.encode()
    place = (len(raw), "media", "m.csv#1", "", text)
    return Content(content_id(raw), Modality.TEXT, "text/plain", *place)


def test_a_new_private_lake_gets_its_key(tmp_path):
    """Preparing makes it, once; checking writes nothing."""
    work = work_in(tmp_path / "lake")
    privacy.check(work, None)
    assert not work.lake.root.exists()

    privacy.prepare(work, None)
    key = keys.read_key(work.lake)
    privacy.prepare(work, None)
    assert keys.read_key(work.lake) == key
    assert key is not None


def test_a_lake_keeps_its_privacy(tmp_path):
    """Neither way can be changed, and the refusal says where to go."""
    with pytest.raises(ConfigError, match="new lake with --private"):
        privacy.prepare(work_in(tmp_path / "open"), small_lake(tmp_path / "open"))
    hidden = private_lake(tmp_path / "private")
    with pytest.raises(ConfigError, match="say --private"):
        privacy.prepare(work_in(tmp_path / "private", private=False), hidden)


def test_unpublished_work_is_as_private_as_the_run_that_goes_on(tmp_path):
    """A first run that was killed left cells with texts, or without: they are not mixed."""
    part = tmp_path / "embeddings" / "text" / "e-1" / "part-1.parquet"
    part.parent.mkdir(parents=True)
    part.touch()

    privacy.check(work_in(tmp_path, private=False), None)
    with pytest.raises(ConfigError, match="not private"):
        privacy.prepare(work_in(tmp_path), None)
    keys.lake_key(Layout(tmp_path))
    privacy.prepare(work_in(tmp_path), None)
    with pytest.raises(ConfigError, match="private run"):
        privacy.check(work_in(tmp_path, private=False), None)


def test_a_lost_key_stops_the_run(tmp_path):
    """A new one would know no file again."""
    hidden = private_lake(tmp_path)
    hidden.layout.key.unlink()

    with pytest.raises(CorruptLakeError, match="restore it from a copy"):
        privacy.prepare(work_in(tmp_path), hidden)
    assert not hidden.layout.key.exists()


def test_captions_have_keys_without_words(tmp_path):
    """Equal captions have equal keys, whatever their case; what is known is not read again."""
    work = work_in(tmp_path)
    privacy.prepare(work, None)
    veil = privacy.veil_of(work)
    contents = [caption("A red wall."), caption("a red WALL"), caption("…")]
    table = privacy.captions_table(contents, work, None, veil)

    found = dict(zip(*table.to_pydict().values(), strict=True))
    ids = [content.content_id for content in contents]
    assert table.schema == schemas.CAPTIONS
    assert found[ids[0]] == found[ids[1]] != found[ids[2]] == ""
    assert "wall" not in str(table)


def test_roots_are_named_by_hashes_unless_the_user_named_them(tmp_path):
    """The same folder name gives the same alias in every run."""
    work = work_in(tmp_path)
    privacy.prepare(work, None)
    sources = (Source("anna", "/home/anna"), Source("photos", "/home/bert/"))
    hidden = privacy.veiled_sources(sources, work)

    assert hidden == privacy.veiled_sources(sources, work)
    assert [source.alias for source in hidden[1:]] == ["photos"]
    assert hidden[0].alias != "anna"
    assert privacy.veiled_sources(sources, work_in(tmp_path, private=False)) == sources
