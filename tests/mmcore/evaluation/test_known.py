import pytest

from mmcore.encoders.projections import FittedOn, caption_digests
from mmcore.evaluation import known as module
from mmcore.evaluation.evaluate import laid_out
from mmcore.evaluation.known import known
from mmcore.evaluation.querysets.frozen import FrozenSet
from mmcore.evaluation.terms import Terms
from mmcore.specs import EvaluationSpec, FitSpec
from mmcore.training.dataset.lake import bare_rows
from mmcore.training.split import caption_keys, is_held_out
from storage.schemas import Modality
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import evaluate

SPEC = EvaluationSpec(min_queries=1)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Two items a colour, and one whose picture is not what its captions say."""
    lie = {"lie": {"lie.png": "red", "lie.txt": "The blue sky", "lie.zh.txt": "蓝天"}}
    root = tmp_path_factory.mktemp("known")
    return make_lake(root, {**coloured_items(copies=2), **lie}, towers())


def captions(lake):
    """Content → key of each text."""
    texts = bare_rows(lake, Modality.TEXT).captions()
    return dict(zip(texts.content_ids, caption_keys(texts), strict=True))


def every(lake):
    """As a projection that was fitted on the whole lake says it."""
    images = bare_rows(lake, Modality.IMAGE).content_ids
    return FittedOn(frozenset(images), caption_digests(captions(lake).values()))


def asked(lake, seen, share=0.0):
    """What known captions find."""
    fit = FitSpec(held_out=share)
    return known(laid_out(lake, towers(), None, Terms(SPEC, fit, FrozenSet({}))), seen)


def test_captions_ask_for_media_and_fused_vectors(lake):
    """In each language; never for texts, and what agrees is found first."""
    found = asked(lake, every(lake))

    names = {"text:en→image", "text:zh→image", "text:en→fused", "text:zh→fused"}
    assert set(found) == names
    keys = captions(lake)
    assert set(found["text:en→image"]) | set(found["text:zh→image"]) == set(keys)
    ranks = {keys[content]: rank for content, rank in found["text:en→image"].items()}
    lie = ranks.pop("blue sky")
    assert ranks.pop("red wall") in {0.5, 1.0}  # the lie's picture is as red
    assert set(ranks.values()) == {1.0}
    assert lie < 0.5


def test_only_what_was_fitted_on_is_asked(lake):
    """A caption of it is not enough, nor is a picture: an item must have both."""
    seen = every(lake)
    some = frozenset(sorted(seen.captions)[:5])

    assert asked(lake, FittedOn(seen.contents, frozenset())) == {}
    assert asked(lake, FittedOn(frozenset(), seen.captions)) == {}
    assert asked(lake, FittedOn(frozenset(captions(lake)), seen.captions)) == {}
    found = asked(lake, FittedOn(seen.contents, some))
    keys = captions(lake)
    told = {keys[content] for ranks in found.values() for content in ranks}
    assert caption_digests(told) == some


def test_what_is_held_out_is_not_asked(lake):
    """A share that was raised since takes whole items out: no query is of both kinds."""
    keys = captions(lake)
    known_ones = {c for ranks in asked(lake, every(lake), 0.5).values() for c in ranks}

    assert known_ones
    assert not [content for content in known_ones if is_held_out(keys[content], 0.5)]
    assert known_ones < set(keys)


def test_captions_are_bounded_by_hash(lake, monkeypatch):
    """The first by content id, the same in every run."""
    monkeypatch.setattr(module, "MOST", 3)

    found = asked(lake, every(lake))["text:en→image"]

    monkeypatch.undo()
    whole = asked(lake, every(lake))["text:en→image"]
    assert list(found) == sorted(whole)[:3]
    assert all(whole[content] == rank for content, rank in found.items())


def test_a_report_of_a_snapshot_has_none_of_it(lake):
    """What was fitted on is asked nowhere in it."""
    report = evaluate(lake, towers(), None, SPEC, FitSpec(held_out=0.9), every(lake))

    assert (report.status, report.directions) == ("unmeasured", [])
