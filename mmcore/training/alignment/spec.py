"""What decides how a projection is trained; reading this loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from mmcore.specs import FitSpec, Spec
from mmcore.training.loop.rates import Decay, Rate

Share = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class CcaSpec(Spec):
    """Regularised canonical correlation: every setting is tried on held-out pairs."""

    dims: tuple[PositiveInt, ...] = Field(
        default=(128,), min_length=1, description="canonical directions kept"
    )
    ridges: tuple[Positive, ...] = Field(
        default=(0.3, 3.0),
        min_length=1,
        description="added to both covariances, over their mean eigenvalue",
    )
    shares: tuple[Share, ...] = Field(
        default=(0.1, 0.3), min_length=1, description="of the cosine, beside the closed form"
    )


class NetworkSpec(Spec):
    """Residual networks on top of the closed form, the members of one ensemble."""

    loss: Literal["infonce", "sigmoid"] = Field(
        default="infonce", description="softmax over a batch, or each pair by itself"
    )
    hidden: PositiveInt = Field(default=256, description="width of the networks")
    blocks: NonNegativeInt = Field(default=1, description="residual blocks of each network")
    features: bool = Field(
        default=True, description="read the cells' features beside the closed form's vectors"
    )
    dropout: float = Field(
        default=0.5, ge=0, lt=1, description="within blocks and of what is read"
    )
    weight_decay: Decay = Field(default=0.1, description="AdamW's")
    learning_rate: Rate = Field(default=1e-3, description="AdamW's, falling by a cosine")
    epochs: PositiveInt = Field(default=40, description="at most")
    patience: PositiveInt = Field(default=8, description="epochs without gain that end a training")
    batch: PositiveInt = Field(default=256, description="pairs at once, rivals of each other")
    temperature: Positive = Field(
        default=0.07, description="where the loss starts; it is learned too"
    )
    mixup: float = Field(
        default=1.0,
        ge=0,
        allow_inf_nan=False,
        description="Beta parameter of the mixing of pairs, one share for all; 0: off",
    )
    members: PositiveInt = Field(default=3, description="networks of the ensemble, by seed")
    shares: tuple[Share, ...] = Field(
        default=(0.5, 1.0),
        min_length=1,
        description="of the correction, tried on held-out pairs",
    )


class AlignSpec(Spec):
    """How a projection is trained on a lake's pairs."""

    method: Literal["auto", "ridge", "cca", "network"] = Field(
        default="auto", description="auto: what does best on held-out pairs of the fitting half"
    )
    fit: FitSpec = Field(default=FitSpec(), description="which pairs, and how many there must be")
    folds: int = Field(
        default=3,
        ge=2,
        le=20,
        description="of captions, by hash: each way is scored on what it is not on; no more than"
        " there are groups of items that share no caption and no file",
    )
    cca: CcaSpec = CcaSpec()
    network: NetworkSpec = NetworkSpec()
    hubness: Literal["off", "auto", "on"] = Field(
        default="auto",
        description="two coordinates that take from hubs: never; unless it does better without,"
        " held out; always, which a joint space refuses",
    )
    gallery: Literal["lake", "new"] = Field(
        default="lake",
        description="what held-out captions have to find their content among, to choose a way: new"
        " contents, and those with all that was fitted on; or new ones alone",
    )
    gain: float = Field(
        default=0.002,
        ge=0,
        lt=1,
        description="held-out reciprocal rank that another way has to bring at least; it has to"
        " bring two standard errors, too",
    )
    seed: NonNegativeInt = Field(
        default=0, description="of networks: order, first weights, dropout"
    )
