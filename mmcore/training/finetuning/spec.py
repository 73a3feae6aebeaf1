"""How a published model is fine-tuned on one's own pairs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from mmcore.specs import Spec
from mmcore.training.loop.licences import Licence
from mmcore.training.loop.rates import Decay, Rate


class FinetuneSpec(Spec):
    """How a preset's weights learn from the captions of a folder or a lake."""

    method: Literal["lora", "last-blocks"] = Field(
        default="lora",
        description="lora: low-rank changes of the blocks' matrices (the extra `finetune`);"
        " last-blocks: the last blocks of both towers, and what comes behind them",
    )
    rank: PositiveInt = Field(default=8, description="of lora: rank of a change")
    alpha: PositiveInt = Field(
        default=16, description="of lora: a change counts alpha / rank times"
    )
    blocks: PositiveInt = Field(
        default=2, description="of last-blocks: blocks of each tower that learn"
    )
    epochs: PositiveInt = Field(default=10, description="passes over the pairs, at most")
    batch_size: int = Field(
        default=64, ge=2, description="pairs of a batch: each is told apart from the others of it"
    )
    accumulate: PositiveInt = Field(
        default=1,
        description="batches whose gradients make one step; pairs are still compared within one",
    )
    learning_rate: Rate = Field(
        default=1e-4, description="AdamW's, at its highest; a tenth of it suits last-blocks"
    )
    weight_decay: Decay = Field(default=0.01, description="AdamW's")
    warmup: float = Field(
        default=0.1, ge=0, lt=1, description="share of the steps in which the rate rises"
    )
    objective: Literal["auto", "info-nce", "sigmoid"] = Field(
        default="auto", description="the loss; auto: what the preset was trained with"
    )
    amp: bool = Field(default=True, description="bfloat16 on CUDA; the CPU computes in float32")
    gradient_checkpointing: bool = Field(
        default=False, description="compute the blocks twice, and keep less in memory"
    )
    patience: PositiveInt = Field(
        default=3, description="passes without gain on the validation pairs that end it"
    )
    held_out: float = Field(
        default=0.2,
        gt=0,
        le=0.5,
        description="share of captions, by hash, whose items the result is judged by",
    )
    validation: float = Field(
        default=0.1,
        gt=0,
        le=0.5,
        description="share of the other captions, by hash, whose items say when to stop",
    )
    pieces: PositiveInt = Field(
        default=4, description="pages of a picture, or windows of a sound, that are learnt from"
    )
    keep_bytes: NonNegativeInt = Field(
        default=2_000_000_000,
        description="memory for prepared pictures and sounds; what goes beyond it is decoded again"
        " in each pass",
    )
    keep_anyway: bool = Field(
        default=False, description="write the folder although it is no better on held-out pairs"
    )
    grouping: str = Field(
        default="auto",
        description="of a folder: auto (manifests, numbers, then stems), stem, number, folder",
    )
    manifest: str | None = Field(
        default=None, description="of a folder: a manifest outside the usual place"
    )
    seed: NonNegativeInt = Field(
        default=0, description="decides first changes, the order of pairs, which caption is taken"
    )
    device: str = Field(default="auto", description="cpu, cuda:N or auto")
    licence: Licence = Field(
        default="", description="licence of the result; none: the base model's"
    )
    noncommercial: bool = Field(
        default=False, description="whether base and result may be not for commercial use"
    )
