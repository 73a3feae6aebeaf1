"""A gate that cannot compare is closed, unless it is the baseline that cannot be asked."""

import errno

import pytest

from mmcore.errors import (
    ConfigError,
    EvaluationError,
    GateFailedError,
    MissingExtraError,
    MissingWeightsError,
    PublicationBlockedError,
    UnknownPluginError,
)
from mmcore.evaluation import resume
from mmcore.evaluation.resume import Kept
from mmcore.evaluation.world import World
from storage import candidates
from storage.errors import CorruptLakeError
from storage.published import current
from tasks import measuring

FULL = OSError(errno.ENOSPC, "No space left on device")


def raising(error):
    """Something that does nothing but raise ``error``."""

    def fail(*_, **__):
        raise error

    return fail


def of_the_baseline(error, monkeypatch):
    """Scoring what serves raises; the candidate is scored."""
    laid_out = measuring.laid_out

    def scoring(snapshot, *arguments):
        if snapshot.manifest.number == 1:
            raise error
        return laid_out(snapshot, *arguments)

    monkeypatch.setattr(measuring, "laid_out", scoring)


def is_closed(nights):
    """A tower that sees nothing is not published by this run, nor compared with by the next."""
    nights.worsen()
    with pytest.raises(GateFailedError) as caught:
        nights.index()
    (kept,) = candidates.blocked(nights.lake)
    assert (caught.value.exit_code, current(nights.lake), kept.verdict) == (3, 1, "failed")


def test_no_memory_for_what_both_hold_is_a_failure(nights, monkeypatch):
    """Nothing says that the baseline could not be asked: nothing is published."""
    nights.first()
    monkeypatch.setattr(World, "common", raising(MemoryError()))

    is_closed(nights)


@pytest.mark.parametrize(
    "error", [MemoryError(), FULL, OSError(errno.EIO, "Input/output error"), KeyError("x")]
)
def test_what_is_no_fault_of_the_baseline_is_a_failure(nights, monkeypatch, error):
    """While it is scored: no memory, no room, a disk that stutters, a fault of ours."""
    nights.first()
    of_the_baseline(error, monkeypatch)

    is_closed(nights)


def test_a_full_disk_keeps_no_directions_and_changes_no_verdict(nights, monkeypatch, caplog):
    """What would let a killed run go on is not kept: a warning. What is worse is blocked."""
    nights.first()
    nights.worsen()
    monkeypatch.setattr(resume, "write_bytes", raising(FULL))

    with pytest.raises(PublicationBlockedError):
        nights.index()

    assert current(nights.lake) == 1
    assert "is not kept" in caplog.text


def test_a_direction_that_cannot_be_kept_for_another_reason_is_a_failure(nights, monkeypatch):
    """Such as no memory for its bytes."""
    nights.first()
    monkeypatch.setattr(Kept, "save", raising(MemoryError()))

    is_closed(nights)


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("not here any more"),
        EvaluationError("fused otherwise"),
        UnknownPluginError("encoder", "x", ()),
        MissingWeightsError("x", "/weights"),
        MissingExtraError("the preset 'x'", "hub"),
    ],
)
def test_a_baseline_that_cannot_be_asked_is_left_out(nights, monkeypatch, error):
    """It says so itself: unmeasured, with the reason, and published."""
    nights.first()
    nights.add(40, 1)
    of_the_baseline(error, monkeypatch)

    result = nights.index()

    assert (result.status, result.verdict) == ("published", "unmeasured")
    assert str(error).splitlines()[-1] in result.why


def test_a_damaged_table_of_the_candidate_is_not_the_baselines_fault(nights, monkeypatch):
    """What both hold is read of both: the file that is damaged is set aside first, or raised."""
    nights.first()
    nights.add(40, 1)

    def damaged(before, after):
        mine = {file.path for file in after.manifest.files}
        (path, *_) = sorted(mine - {file.path for file in before.manifest.files})
        raise CorruptLakeError(after.layout.root / path, "is cut")

    monkeypatch.setattr(World, "common", damaged)
    with pytest.raises(CorruptLakeError):
        nights.index()

    assert current(nights.lake) == 1
