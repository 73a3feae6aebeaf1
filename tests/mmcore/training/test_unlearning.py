import json

from mmcore.encoders.packing import record_of
from mmcore.encoders.projections import FittedOn, Projection, caption_digests
from mmcore.training.unlearning import without
from storage.schemas import record_name

FITTED = FittedOn(frozenset({"c1", "c2"}), caption_digests({"a cat", "一只猫"}))


def files() -> dict[str, bytes]:
    """A projection without heads that was fitted on two contents and two captions."""
    return Projection("e5-small", "p1", 4, {}, FITTED).to_files()


def test_a_record_loses_the_erased_and_nothing_else():
    """The model reads as before with the new record in place of the old."""
    before = files()
    record = record_of(before)

    told = without(record, {"c1", "other"}, {"一只猫"})

    assert (told.contents, told.captions) == (1, 1)
    others = {name: data for name, data in before.items() if data != record}
    after = Projection.from_files({**others, record_name(told.record): told.record})
    assert after.fitted_on == FittedOn(frozenset({"c2"}), caption_digests({"a cat"}))
    assert after.space == "e5-small/p1"


def test_a_model_that_never_saw_it_stays_as_it_is():
    """So does one that keeps no such record."""
    assert without(record_of(files()), {"c9"}, {"a dog"}) is None
    assert without(json.dumps({"kind": "index"}).encode(), {"c1"}, set()) is None
    assert without(b"not JSON", {"c1"}, set()) is None


def test_a_record_of_plain_words_gets_their_digests():
    """Of an older model, whatever is erased: its words may be of what retention dropped."""
    told = json.loads(record_of(files()))
    told["fitted_on"] = {"contents": ["c1"], "caption_keys": ["a cat", "一只猫"]}

    after = without(json.dumps(told).encode(), {"c9"}, {"a cat"})

    assert (after.contents, after.captions) == (0, 1)
    assert json.loads(after.record)["fitted_on"] == {
        "contents": ["c1"],
        "captions": sorted(caption_digests({"一只猫"})),
    }
    assert without(after.record, {"c9"}, {"a cat"}) is None


def test_a_record_can_be_taken_from_twice():
    """An erasure that was interrupted does it again, and finds it done."""
    told = without(record_of(files()), {"c1"}, set())

    assert without(told.record, {"c1"}, set()) is None
    assert without(told.record, {"c2"}, set()).contents == 1
