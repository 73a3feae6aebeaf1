import pytest

from mmcore.evaluation import directions, withheld
from mmcore.evaluation.resume import Kept
from mmcore.evaluation.scores import Report
from storage.published import current


class Killed(BaseException):
    """Ends a run as a signal does: nothing of ours catches it."""


@pytest.fixture
def ranked(monkeypatch):
    """How many directions were ranked, of both sides and within what both hold."""
    found = []
    for module in (directions, withheld):
        rank = module.rank_both

        def counting(*arguments, rank=rank, **options):
            found.append(1)
            return rank(*arguments, **options)

        monkeypatch.setattr(module, "rank_both", counting)
    return found


def report(nights, number):
    """The report, without when it was written and how long searches took."""
    told = Report.model_validate_json(
        (nights.lake.report(str(number)) / "report.json").read_bytes()
    )
    return told.model_copy(update={"evaluated_at": None, "latency": None})


def killed_after(directions, monkeypatch):
    """Killed once so many directions more are kept; the number can be set again, in a list."""
    save, left = Kept.save, [directions]

    def saving(kept, measured):
        save(kept, measured)
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    monkeypatch.setattr(Kept, "save", saving)
    return left


def test_an_evaluation_that_is_killed_goes_on(nights, ranked, monkeypatch):
    """After each direction in turn: the next run asks the rest alone, and finds the same."""
    nights.first()
    nights.add(40, 2)
    nights.index()
    ranked.clear()
    nights.evaluate()
    whole, expected = len(ranked), report(nights, 2)
    left = killed_after(0, monkeypatch)
    for finished in range(1, whole, 5):
        ranked.clear()
        left[0] = finished
        with pytest.raises(Killed):
            nights.evaluate()
        assert nights.lake.evaluations.exists()
        assert len(ranked) == finished

        nights.evaluate()

        assert len(ranked) == whole
        assert report(nights, 2) == expected
        assert not nights.lake.evaluations.exists()


def test_a_night_that_is_killed_goes_on(nights, ranked, monkeypatch):
    """Its candidate is dropped, and the next one is the same: what was measured of it counts."""
    nights.first()
    nights.add(40, 2)
    killed_after(7, monkeypatch)
    ranked.clear()
    with pytest.raises(Killed):
        nights.index()
    assert current(nights.lake) == 1
    before = len(ranked)

    result = nights.index()

    assert (result.verdict, current(nights.lake)) == ("pass", 2)
    whole = len(ranked)
    ranked.clear()
    nights.evaluate()
    assert before == 7
    assert whole == len(ranked)
