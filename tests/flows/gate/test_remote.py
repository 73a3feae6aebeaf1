"""The gate on a lake in an object store: moto stands for it."""

import pytest

from mmcore.errors import PublicationBlockedError
from mmcore.evaluation.gating.rules import GateSpec
from storage import candidates, history, looked
from storage.published import current


@pytest.mark.slow
def test_the_gate_is_the_same_in_a_store(nights, s3):
    """Pass, block, a rollback and the notes of all that: as in a folder."""
    nights.where = f"{s3.bucket()}/lake"
    nights.index()
    nights.add(40, 2)
    assert nights.index().verdict == "pass"
    nights.worsen()
    with pytest.raises(PublicationBlockedError) as caught:
        nights.index()
    assert caught.value.report == f"{nights.where}/reports/3/report.html"
    assert [one.verdict for one in candidates.blocked(nights.lake)] == ["block"]
    nights.index(gate=GateSpec(enabled=False))

    result = nights.evaluate(on_block="roll-back", max_age_hours=1)

    assert (result.status, result.rolled_back_to, result.stale) == ("block", 2, None)
    assert (current(nights.lake), looked.read(nights.lake).snapshot) == (2, 4)
    assert [one.verdict for one in history.read(nights.lake)] == [
        *("unmeasured", "pass", "block", "unmeasured"),
        *("block", "block"),
    ]
    assert not nights.lake.evaluations.exists()
