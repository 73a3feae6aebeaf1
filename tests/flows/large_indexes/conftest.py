"""A lake whose index of texts is large enough to be chosen by measuring."""

import pytest

from storage.layout import Layout
from storage.schemas import Modality
from tests.crashes import plain_index
from tests.flows.large_indexes.growing import LOW, PICTURES, add, encoder


@pytest.fixture
def index(monkeypatch):
    """`mmindex index` with a low threshold, as a plain call."""
    import flows.maintain  # noqa: F401 - its tasks are made plain too

    makers = {f"hash-{m}": encoder(m) for m in (Modality.TEXT, Modality.IMAGE)}
    run = plain_index(monkeypatch, makers=makers)

    def index(folder, lake, spec=LOW, **options):
        return run(folder, lake, index=spec, **options)

    return index


@pytest.fixture
def folder(tmp_path):
    """Pictures, each with a long text."""
    for number in range(PICTURES):
        add(tmp_path / "media", number)
    return tmp_path / "media"


@pytest.fixture
def lake(tmp_path, folder, index):
    """The lake of that folder."""
    assert index(folder, tmp_path / "lake").status == "published"
    return Layout(tmp_path / "lake")
