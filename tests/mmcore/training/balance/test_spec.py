from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from mmcore.training.balance.spec import AugmentSpec, BalanceSpec


def test_reading_the_spec_loads_no_torch():
    """A command line shows its settings without torch."""
    code = "import sys; import mmcore.training.balance.spec; assert 'torch' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_labels_nothing_goes_by_class():
    """What needs no label stays: hidden modalities, mixing, a GAN, augmentation."""
    spec = BalanceSpec(
        sampling="balanced",
        loss="weighted",
        mixup=0.5,
        modality_dropout=0.2,
        synthesis="gan",
        augment=AugmentSpec(flip=0.5),
    )
    plain = spec.unlabelled()

    assert (plain.sampling, plain.loss) == ("none", "cross-entropy")
    assert plain == spec.model_copy(update={"sampling": "none", "loss": "cross-entropy"})
    assert BalanceSpec(synthesis="mixup").unlabelled().synthesis == "none"


@pytest.mark.parametrize(
    "fields", [{"modality_dropout": 1.0}, {"mixup": -1}, {"mixup": float("nan")}, {"drop": 0.5}]
)
def test_a_setting_out_of_its_range_is_refused(fields):
    """So is one that is not known."""
    with pytest.raises(ValidationError):
        BalanceSpec(**fields)
