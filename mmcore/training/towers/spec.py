"""How the three towers are trained, as frozen data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)

from mmcore.encoders.weights.releases import UNKNOWN
from mmcore.specs import Spec
from mmcore.training.balance.spec import BalanceSpec
from mmcore.training.dataset.spec import DatasetSpec
from mmcore.training.loop.licences import Licence
from mmcore.training.loop.rates import Decay, Rate

Share = Annotated[float, Field(ge=0, lt=1)]
Channels = Annotated[int, Field(ge=2, le=4096, multiple_of=2)]


class NetworkSpec(Spec):
    """The shape of the network, and its words."""

    pictures: tuple[Channels, ...] = Field(
        default=(64, 128, 256), min_length=1, description="channels of the picture's convolutions"
    )
    sounds: tuple[Channels, ...] = Field(
        default=(64, 128, 256),
        min_length=2,
        description="filters over the waveform, then channels of the sound's convolutions",
    )
    embedding: PositiveInt = Field(default=300, description="numbers of a word's vector")
    hidden: PositiveInt = Field(default=128, description="numbers of the GRU's state, each way")
    features: PositiveInt = Field(default=512, description="numbers that each tower ends with")
    dim: PositiveInt = Field(default=256, description="dimensions of the joint space")
    dropout: Share = Field(default=0.1, description="share of numbers that are dropped")
    words: PositiveInt = Field(default=10_000, description="words of the vocabulary, at most")
    least: PositiveInt = Field(
        default=2, description="times that a word has to occur; a rarer one is unknown"
    )
    longest: PositiveInt = Field(
        default=128, description="words of a text that are read at once; a training reads no more"
    )
    dictionaries: tuple[str, ...] = Field(
        default=(), description="files of words that jieba is to know, as text_dictionaries"
    )


class TowersSpec(Spec):
    """How the three towers are trained end to end."""

    objective: Literal["classification", "contrastive", "both"] = Field(
        default="both",
        description="to tell classes, to bring together what belongs to one item, or both",
    )
    contrast: Literal["info-nce", "sigmoid"] = Field(
        default="info-nce", description="loss of pairs"
    )
    classification_weight: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="of the loss of classes, beside that of pairs, which has 1",
    )
    epochs: PositiveInt = Field(default=30, description="passes over the items, at most")
    batch_size: int = Field(default=32, ge=2, description="items of a step")
    rate: Rate = Field(default=1e-3, description="highest learning rate, of Adam")
    weight_decay: Decay = Field(
        default=0.01, description="of the weights, apart from Adam's step (AdamW)"
    )
    clip: float = Field(default=1.0, gt=0, le=1000, description="length of the gradient at most")
    schedule: Literal["cosine", "step", "none"] = Field(
        default="cosine", description="how the learning rate falls"
    )
    warmup: Share = Field(
        default=0.05, description="share of all steps in which the learning rate rises"
    )
    step_epochs: PositiveInt = Field(
        default=10, description="of the schedule `step`: epochs after which it falls"
    )
    step_factor: float = Field(
        default=0.3, gt=0, le=1, description="of the schedule `step`: what it falls to"
    )
    patience: PositiveInt = Field(
        default=10, description="epochs without gain on the validation split that end the training"
    )
    checkpoint: NonNegativeInt = Field(
        default=1, description="epochs from one checkpoint to the next; 0: none is written"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="of products; auto: bfloat16 on a GPU that is fast with it, float32 on a CPU",
    )
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**31,
        description="decides first weights, order, and what is drawn; dataset.seed too, if unsaid",
    )
    device: str = Field(default="auto", description="cpu, cuda:N or auto")
    workers: NonNegativeInt = Field(
        default=0, description="processes that decode beside the training; 0: none"
    )
    licence: Licence = Field(default=UNKNOWN, description="licence of the weights, for the card")
    network: NetworkSpec = NetworkSpec()
    dataset: DatasetSpec = DatasetSpec()
    balance: BalanceSpec = BalanceSpec()

    @model_validator(mode="after")
    def _synthesis_of_classes(self) -> TowersSpec:
        if self.balance.synthesis != "none" and not self.classifies:
            raise ValueError(
                "balance.synthesis makes features of what is missing for the head of classes, and"
                " objective=contrastive has none: take objective=both or classification, or"
                " balance.synthesis=none"
            )
        return self

    @model_validator(mode="after")
    def _one_seed(self) -> TowersSpec:
        if "seed" not in self.dataset.model_fields_set:
            seeded = self.dataset.model_copy(update={"seed": self.seed})
            object.__setattr__(self, "dataset", seeded)  # frozen for others
        return self

    @property
    def classifies(self) -> bool:
        """Whether classes are learnt."""
        return self.objective != "contrastive"

    @property
    def contrasts(self) -> bool:
        """Whether pairs are learnt."""
        return self.objective != "classification"
