import pyarrow as pa
import pytest

from mmcore.evaluation.evaluate import laid_out, outcomes
from mmcore.evaluation.outcomes import Measured
from mmcore.specs import EvaluationSpec, FitSpec
from mmcore.training.dataset.lake import lake_rows
from mmcore.training.split import caption_keys, fit_rows
from storage import schemas
from storage.manifest import entry
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.tables import write_rows
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import evaluate, same_scores, terms_of

FEW, MOST = EvaluationSpec(min_queries=1), FitSpec(held_out=0.9)
TEXT = "segments/text"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake with texts."""
    return make_lake(tmp_path_factory.mktemp("texts"), coloured_items(copies=2), towers())


def without_texts(snapshot, unknown=()):
    """The snapshot as a private lake has it; a caption key stands for its own hash here.

    ``unknown``: contents whose keys could not be made.
    """
    layout, texts = snapshot.layout, lake_rows(snapshot, Modality.TEXT, space="own")
    keys = dict(zip(texts.content_ids, caption_keys(texts), strict=True))
    rows = [{"content_id": c, "key": k} for c, k in sorted(keys.items()) if c not in unknown]
    table = snapshot.rows(TEXT)
    field = table.schema.field("text")
    nothing = pa.nulls(len(table), pa.string())
    table = table.set_column(table.column_names.index("text"), field, nothing)
    table = table.cast(schemas.SEGMENTS)
    captions = pa.Table.from_pylist(rows, schema=schemas.CAPTIONS)
    paths = [*write_rows(layout.rows(TEXT), table), *write_rows(layout.rows("captions"), captions)]
    files = [file for file in snapshot.manifest.files if not file.path.startswith(TEXT)]
    files += [entry(layout.root, path, {}) for path in paths]
    told = {"files": files, "private": True}
    return Snapshot.of(layout, snapshot.manifest.model_copy(update=told))


def symmetrical():
    """Towers that embed a query as they embed what is stored, and say so."""
    found = towers()
    for encoder in found:
        encoder.asks_as_stored = True
    return found


def test_a_lake_without_texts_scores_as_one_with_them(lake):
    """Stored vectors of held-out captions ask, and hashed keys tell which captions are equal."""
    with_texts = evaluate(lake, towers(), None, FEW, MOST)
    private = evaluate(without_texts(lake), symmetrical(), None, FEW, MOST)

    assert [(d.name, d.means) for d in private.directions] == [
        (d.name, d.means) for d in with_texts.directions
    ]
    assert any(d.name == "text:zh→image" for d in private.directions)


def test_its_report_names_queries_by_ids(lake):
    """Neither a text nor a path stands in it."""
    report = evaluate(without_texts(lake), symmetrical(), None, FEW, MOST)
    said = report.model_dump_json()

    assert "wall" not in said
    assert ".png" not in said


def test_texts_that_cannot_ask_are_unscored(lake):
    """An encoder with another side for queries needs their words: that is no score of 0."""
    report = evaluate(without_texts(lake), towers(), None, FEW, MOST)

    assert {d.name for d in report.directions} >= {"image→text:en", "image→text:zh"}
    assert not [d for d in report.directions if d.name.startswith("text:")]
    unscored = {u.name: (u.queries, u.why) for u in report.unscored}
    assert unscored["text:en→image"] == (0, "the lake keeps no texts to ask with")


def test_a_text_whose_key_is_unknown_is_neither_asked_with_nor_fitted_on(lake):
    """It might equal a held-out caption."""
    texts = lake_rows(lake, Modality.TEXT, space="own")
    content = texts.content_ids[0]
    private = without_texts(lake, unknown={content})
    rows = lake_rows(private, Modality.TEXT, space="own")
    mine = [place for place, one in enumerate(rows.content_ids) if one == content]

    assert not fit_rows(rows, 0.0)[mine].any()
    assert fit_rows(rows, 0.0).any()
    report = evaluate(private, symmetrical(), None, FEW, MOST)
    asked = {content for d in report.directions for content in (w.query for w in d.worst)}
    assert content not in asked


def test_what_two_private_snapshots_hold_is_known_by_hashed_keys(lake, tmp_path):
    """Scores over what both hold are those of lakes with texts; growth moves none."""
    items = {**coloured_items(copies=2), "new": {"new.png": "red", "new.txt": "A red barn."}}
    grown = without_texts(make_lake(tmp_path, items, towers()))
    private = without_texts(lake)
    terms = terms_of(grown, private)
    before, after = (
        {
            one.full.name: one.common
            for one in outcomes(laid_out(of, symmetrical(), None, terms))
            if isinstance(one, Measured)
        }
        for of in (private, grown)
    )

    assert before.keys() == after.keys() >= {"text:en→image", "image→text:en"}
    assert all(same_scores(before[name], after[name]) for name in before)
    assert set(after["image→text:en"].categories) == {None}
