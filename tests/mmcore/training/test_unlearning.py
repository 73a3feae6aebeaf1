import json

from mmcore.encoders import packing
from mmcore.encoders.projections import FittedOn, Projection
from mmcore.training.unlearning import without

FITTED = FittedOn(frozenset({"c1", "c2"}), frozenset({"a cat", "一只猫"}))


def files() -> dict[str, bytes]:
    """A projection without heads that was fitted on two contents and two captions."""
    return Projection("e5-small", "p1", 4, {}, FITTED).to_files()


def test_a_record_loses_the_erased_and_nothing_else():
    """The model reads as before; its record keeps its length, for manifests that name it."""
    before = files()

    told = without(before[packing.CONFIG], {"c1", "other"}, {"一只猫"})

    assert (told.contents, told.captions) == (1, 1)
    assert len(told.config) == len(before[packing.CONFIG])
    after = Projection.from_files(before | {packing.CONFIG: told.config})
    assert after.fitted_on == FittedOn(frozenset({"c2"}), frozenset({"a cat"}))
    assert after.space == "e5-small/p1"


def test_a_model_that_never_saw_it_stays_as_it_is():
    """So does one that keeps no such record."""
    assert without(files()[packing.CONFIG], {"c9"}, {"a dog"}) is None
    assert without(json.dumps({"kind": "index"}).encode(), {"c1"}, set()) is None
    assert without(b"not JSON", {"c1"}, set()) is None


def test_a_record_can_be_taken_from_twice():
    """An erasure that was interrupted does it again, and finds it done."""
    told = without(files()[packing.CONFIG], {"c1"}, set())

    assert without(told.config, {"c1"}, set()) is None
    assert without(told.config, {"c2"}, set()).contents == 1
