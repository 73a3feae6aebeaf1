"""What a snapshot is compared with, and under which name what was measured of it is kept."""

from types import SimpleNamespace

import pytest

from flows.config.evaluate import OverrideConfig
from flows.publish_blocked import publish_blocked
from mmcore.errors import PublicationBlockedError
from mmcore.evaluation.querysets.frozen import FrozenSet
from mmcore.evaluation.terms import Terms
from storage.published import current
from tasks import measuring
from tests.flows.gate.conftest import OFF


def overruled(nights):
    """Publish what was blocked."""
    with pytest.raises(PublicationBlockedError) as caught:
        nights.index()
    told = {"lake": str(nights.lake.root), "run": caught.value.run, "name": "Li Wei"}
    publish_blocked.fn(OverrideConfig(**told, reason="a new model"))


def test_what_somebody_let_serve_is_a_baseline(nights):
    """Its verdict is a block; the next one is compared with it, not with the one before it."""
    nights.first()
    nights.worsen()
    overruled(nights)
    nights.add(40, 1)
    nights.index(gate=OFF)

    assert current(nights.lake) == 3
    assert nights.evaluate().baseline == 2


def test_what_is_kept_is_named_by_what_both_hold(nights):
    """Outcomes within one world are none of another: no other part of the key tells them apart."""
    nights.first()
    snapshot, spec, fit = nights.snapshot(), *(measuring.EvaluationSpec(), measuring.FitSpec())
    side = SimpleNamespace(snapshot=snapshot)
    work = SimpleNamespace(lake=nights.lake)

    def folder(world):
        terms = Terms(spec, fit, FrozenSet({}), world=world)
        return measuring._kept(work, terms, {}, side, side).folder

    one, other = (SimpleNamespace(digest=digest) for digest in ("1", "2"))
    assert len({folder(None), folder(one), folder(other)}) == 3
    assert folder(one) == folder(SimpleNamespace(digest="1"))
