import pytest

from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from storage.layout import Layout
from storage.published import current, published
from tasks.publish import propose_candidate, publish_snapshot
from tasks.workplace import Workplace
from tests.factories import candidate, small_lake


@pytest.fixture
def work(tmp_path):
    """A lake with a snapshot."""
    layout = small_lake(tmp_path).layout
    return Workplace(layout, "embedded", SegmentationSpec(), LimitsSpec(), RuntimeSpec())


def proposed(work: Workplace, key: str = "cat"):
    """A numbered candidate."""
    return propose_candidate.fn(candidate(work.lake, (key,)), work)


def candidates(layout: Layout) -> list[str]:
    """The runs that left a candidate's manifest."""
    return sorted(path.parent.name for path in layout.root.glob("candidates/*/manifest.json"))


def test_a_candidate_is_there_until_it_is_published(work):
    """Its manifest lies under its run, with its number, from before its evaluation on."""
    manifest = proposed(work)

    assert (manifest.number, candidates(work.lake)) == (2, [manifest.run])
    assert publish_snapshot.fn(manifest, work) == manifest
    assert (current(work.lake), candidates(work.lake)) == (2, [])


def test_a_retry_keeps_the_number(work, monkeypatch):
    """A write that fails for a moment takes no number: report and snapshot have the same one."""
    manifest = proposed(work)
    with monkeypatch.context() as patch:
        patch.setattr("storage.publication.views_sql", failing)
        with pytest.raises(OSError, match="busy"):
            publish_snapshot.fn(manifest, work)

    assert publish_snapshot.fn(manifest, work).number == 2
    assert published(work.lake) == [1, 2]


def test_a_retry_after_the_pointer_moved_finds_it_done(work):
    """What is published is published, whatever failed afterwards."""
    manifest = proposed(work)
    publish_snapshot.fn(manifest, work)

    assert publish_snapshot.fn(manifest, work) == manifest
    assert current(work.lake) == 2


def test_a_candidate_that_cannot_be_removed_fails_no_publication(work, monkeypatch, caplog):
    """The snapshot serves; that the candidate is left over is said."""
    manifest = proposed(work)
    monkeypatch.setattr("storage.candidates.remove", failing)

    assert publish_snapshot.fn(manifest, work).number == 2
    assert manifest.run in caplog.text


def failing(*_, **__):
    """Fail as a file system does that is busy."""
    raise OSError(16, "busy")
