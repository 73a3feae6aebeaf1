"""How a fusion is fitted. Imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, ValidationInfo, field_validator

from mmcore.specs import Spec

Candidate = Literal["mean", "weighted", "product", "mlp", "attention"]


class FusionFitSpec(Spec):
    """How a fusion is fitted and chosen."""

    candidates: tuple[Candidate, ...] = Field(
        default=("mean", "weighted", "mlp", "attention"),
        min_length=1,
        description="fusions that are tried, the simplest first: a later one has to be better",
    )
    folds: int = Field(
        default=3,
        ge=2,
        le=20,
        description="parts, by caption, that are held out in turn to choose; where a projection"
        " was trained, as many as it has folds of its own",
    )
    gain: float = Field(
        default=0.005,
        ge=0,
        lt=1,
        description="reciprocal rank that a later candidate has to bring, and a standard error",
    )
    min_items: PositiveInt = Field(
        default=48, description="fewer items with two contents than this: the mean, nothing fitted"
    )
    max_items: PositiveInt = Field(
        default=4000, description="items that are learned from at most, chosen by hash"
    )
    epochs: PositiveInt = Field(default=40, description="passes over the items at most")
    patience: PositiveInt = Field(
        default=6, description="epochs without gain on held-out items that end a training"
    )
    batch_size: int = Field(default=64, ge=2, description="items of one step")
    learning_rate: float = Field(default=2e-3, gt=0, le=1, description="of AdamW")
    weight_decay: float = Field(default=0.05, ge=0, le=1, description="of AdamW")
    temperature: float = Field(default=0.05, gt=0, le=10, description="of InfoNCE")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="inside the networks")
    modality_dropout: float = Field(
        default=0.2, ge=0, lt=1, description="chance that a modality of what is sought is hidden"
    )
    pairs: float = Field(
        default=0.3, ge=0, le=1, description="share of queries that are made of two contents"
    )
    hidden: tuple[PositiveInt, ...] = Field(
        default=(512, 256), min_length=1, description="widths of the mlp's layers"
    )
    width: PositiveInt = Field(default=128, description="numbers of a token of the attention")
    heads: PositiveInt = Field(
        default=4, validate_default=True, description="of the attention; they divide its width"
    )
    layers: PositiveInt = Field(default=1, description="of the attention")
    seed: NonNegativeInt = Field(default=0, description="decides every draw")

    @field_validator("heads")
    @classmethod
    def _divides_the_width(cls, heads: int, info: ValidationInfo) -> int:
        width = info.data.get("width", heads)  # absent where it is wrong itself
        if width % heads:
            raise ValueError(f"{heads} heads do not divide the width {width} of the attention")
        return heads
