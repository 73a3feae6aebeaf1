import pytest

from mmcore.specs import CrawlSpec, LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Source
from storage import schemas
from storage.layout import Layout
from tasks.crawl import LossLimits, crawl_roots, walk_roots
from tasks.workplace import Workplace
from tests import media


@pytest.fixture
def found(tmp_path):
    """Two items that a manifest gives the same picture."""
    folder = tmp_path / "media"
    media.png(folder / "shared.png")
    media.text(folder / "manifest.csv", "path,item\nshared.png,one\nshared.png,two\n")
    work = Workplace(
        Layout(tmp_path / "lake"), "embedded", SegmentationSpec(), LimitsSpec(), RuntimeSpec()
    )
    source = Source("media", str(folder))
    walked = walk_roots.fn((source,), CrawlSpec(), work, None, LossLimits(0.5))
    return crawl_roots.fn(walked, CrawlSpec(), work, None, LossLimits(0.5))


def test_a_file_that_serves_two_items_is_one_file(found):
    """It is found once, whoever has it; both items have it."""
    assert [file.path for file in found.files] == ["shared.png"]
    assert [[file.path for file in item.files] for item in found.items] == [["shared.png"]] * 2


def test_what_was_found_has_its_rows(found):
    """One row for the file, one for each item that has it."""
    assert found.file_rows.schema.equals(schemas.FILES)
    assert found.file_rows["path"].to_pylist() == ["shared.png"]
    assert found.item_file_rows.num_rows == 2
