"""Tests of mmcore/media/collector.py."""

import gc

import pytest

from mmcore.media.collector import uncollected


def test_the_collector_runs_again_after_an_error():
    """Whatever happens within, it is on again, and a block within a block leaves it off."""

    def fail():
        with uncollected():
            with uncollected():
                assert not gc.isenabled()
            assert not gc.isenabled()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    """Somebody else's choice is kept."""
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
