"""How a training meets few, unbalanced and missing examples: each method is a switch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from mmcore.specs import Spec
from mmcore.training.loop.rates import Rate


class AugmentSpec(Spec):
    """How media are changed while they are learnt from; 0 leaves them as they are."""

    flip: float = Field(default=0.0, ge=0, le=1, description="chance that a picture is mirrored")
    crop: float = Field(
        default=0.0, ge=0, lt=1, description="share of a picture's side that a crop may cut away"
    )
    colour: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="change of brightness, contrast and saturation, at most (0.4: by 40 %)",
    )
    spec_augment: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of a sound's time, and of its frequencies, that one mask hides at most",
    )
    noise: float = Field(
        default=0.0, ge=0, le=10, description="loudness of white noise, relative to the sound"
    )
    word_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="chance that a word is left out; one always stays"
    )
    feature_noise: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="length of the noise that is added to a stored vector, relative to the vector",
    )


class BalanceSpec(Spec):
    """What is done against rare classes, few pairs and missing modalities.

    The default is what won mean class accuracy inside the fitting halves of a 50:1 long-tail cut
    of the public set, for a classifier over frozen cells, among all methods alone and the best two
    together (`benchmarks/imbalance.py`). Small towers gain nothing clear by any of them
    (`benchmarks/imbalance_towers.py`).
    """

    sampling: Literal["none", "balanced", "class-aware"] = Field(
        default="balanced",
        description="none: each row once; balanced: each class as often as the others;"
        " class-aware: batches of some classes, equally many rows of each; where there are no"
        " labels, none",
    )
    loss: Literal["cross-entropy", "weighted", "focal"] = Field(
        default="cross-entropy",
        description="of classes; weighted: by the effective number of rows of each; focal: hard"
        " rows count for more",
    )
    focal_gamma: float = Field(
        default=2.0, ge=0, le=10, description="how much the focal loss turns from easy rows"
    )
    mixup: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="parameter of the Beta distribution that two rows are mixed by; 0: off",
    )
    modality_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="chance that a modality of a row is hidden"
    )
    synthesis: Literal["none", "gan", "mixup"] = Field(
        default="none",
        description="vectors of a missing modality: made by a conditional GAN, or mixed of two"
        " of the same class; the towers' head of classes is trained on with them at the end",
    )
    augment: AugmentSpec = AugmentSpec()

    def unlabelled(self) -> BalanceSpec:
        """What of it can be done without labels: no sampling and no loss by class."""
        changes: dict[str, str] = {"sampling": "none", "loss": "cross-entropy"}
        if self.synthesis == "mixup":
            changes["synthesis"] = "none"
        return self.model_copy(update=changes)


class GanSpec(Spec):
    """How a conditional GAN in feature space is trained."""

    noise: PositiveInt = Field(default=16, description="random numbers that a vector is made of")
    hidden: PositiveInt = Field(default=128, description="width of both networks")
    directions: PositiveInt = Field(
        default=64, description="principal directions that are learnt of condition and target"
    )
    steps: PositiveInt = Field(default=300, description="steps of the generator")
    batch: PositiveInt = Field(default=64, description="rows of a step")
    rate: Rate = Field(default=1e-3, description="learning rate of the critic")
    anchor: float = Field(
        default=1.0,
        ge=0,
        description="weight of the squared error of the mean of several draws: it keeps few rows"
        " from being forgotten, and leaves the spread free",
    )
    seed: NonNegativeInt = Field(default=0, description="decides first weights and draws")
