"""The queries that indexes are measured with."""

import numpy as np
import pytest

from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.training.split import is_held_out, key_of
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot
from tasks import index_questions
from tasks.index_questions import IndexQuestions
from tasks.workplace import Workplace
from tests.lakes import ColourEncoder, coloured_items, make_lake, towers


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Forty items of a picture and a caption in each of two languages, all captions different."""
    items = {
        key: {name: told if name.endswith("png") else f"{told} {key}" for name, told in of.items()}
        for key, of in coloured_items(copies=5).items()
    }
    return make_lake(tmp_path_factory.mktemp("lake"), items, towers())


@pytest.fixture
def asking(lake, monkeypatch):
    """Queries for the indexes of a snapshot, by default the lake's."""
    monkeypatch.setattr(index_questions, "encoders_of", lambda *_: towers())

    def asking(snapshot=lake, most=1000, **specs):
        told = snapshot.manifest.model_copy(update={"specs": specs})
        work = Workplace(
            snapshot.layout, "colours", SegmentationSpec(), LimitsSpec(), RuntimeSpec()
        )
        return IndexQuestions(Snapshot(snapshot.layout, told), work, most)

    return asking


def test_pictures_are_asked_for_by_texts_of_both_languages(asking):
    """The index of pictures gets the captions, by language, and no picture."""
    found = asking().of("image", "colours")

    kinds, counts = np.unique(found.kinds, return_counts=True)
    assert dict(zip(kinds.tolist(), counts.tolist(), strict=True)) == {
        "text en": 40,
        "text zh": 40,
    }
    assert found.asked == "queries"
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)


def test_a_query_is_what_a_user_would_ask_with(asking, lake):
    """The vector of a caption is that of its encoder's query side."""
    found = asking().of("image", "colours")
    texts = lake.rows("segments/text", ["text", "language"]).to_pylist()
    encoder = ColourEncoder(Modality.TEXT)
    english = np.stack([encoder.encode_query(r["text"]) for r in texts if r["language"] == "en"])

    mine = found.vectors[found.kinds == "text en"]
    assert np.allclose(np.sort(mine, axis=0), np.sort(english, axis=0), atol=1e-5)


def test_few_queries_are_shared_out_among_what_can_ask(asking):
    """Of thirty queries each language has half."""
    found = asking(most=30).of("image", "colours")

    assert (found.kinds == "text en").sum() == (found.kinds == "text zh").sum() == 15


def test_held_out_captions_ask_first(asking, lake):
    """Where there are enough of them, no other caption asks."""
    share = 0.5
    held = {
        row["content_id"]
        for row in lake.rows("segments/text", ["content_id", "text"]).to_pylist()
        if is_held_out(key_of(row["text"]), share)
    }
    chosen = asking(most=10, fit={"held_out": share})._contents

    assert len(held) > 20
    assert set(chosen["text:en"]) | set(chosen["text:zh"]) <= held


def test_items_are_asked_for_by_every_side(asking):
    """Fused vectors are asked for by pictures and by texts, in the space that is fused."""
    found = asking().of(FUSED, "colours")

    assert set(found.kinds) == {"image", "text en", "text zh"}


def test_what_nothing_else_can_ask_for_has_no_queries(asking, tmp_path):
    """Of texts alone only texts could ask."""
    captions = {f"t{i}": {f"t{i}.txt": f"caption number {i}"} for i in range(30)}
    texts = make_lake(tmp_path, captions, towers()[:1], fused=False)

    assert asking(texts).of("text", "colours") is None


def test_a_handful_of_queries_is_none(asking, tmp_path):
    """Below twenty nothing can be said: then stored vectors ask."""
    few = make_lake(tmp_path, coloured_items(colours=("red", "blue")), towers())

    assert asking(few).of("image", "colours") is None


def test_items_of_texts_alone_are_asked_for_by_stored_vectors(asking, tmp_path):
    """Each caption would ask for the very vector that was made of it, and find it."""
    captions = {f"t{i}": {f"t{i}.txt": f"caption number {i}"} for i in range(30)}
    texts = make_lake(tmp_path, captions, towers()[:1])

    assert texts.manifest.fused_of
    assert asking(texts).of(FUSED, "colours") is None
