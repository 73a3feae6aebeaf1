"""What the towers are worth on a split: classes, and Success@k of every direction.

Imported where torch is at work only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from mmcore.encoders.families.towers_network import MODALITIES, Towers
from mmcore.encoders.families.towers_words import PADDING, Vocabulary
from mmcore.encoders.towers.texts import padded, windows_of
from mmcore.training.dataset.items import Caption
from mmcore.training.loop.scores import Places, Side, accuracies, directions, groups_of, mean
from mmcore.training.towers.batches import Batches
from mmcore.training.towers.objective import Objective
from mmcore.training.towers.spec import TowersSpec
from mmcore.types import Vectors

_LANGUAGES: tuple[str, ...] = ("zh", "en")


@dataclass(slots=True)
class Seen:
    """What the network said of each item of a split, in the dataset's order."""

    losses: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    predicted: list[Tensor] = field(default_factory=list)
    places: dict[str, list[Tensor]] = field(default_factory=lambda: {m: [] for m in MODALITIES})
    vectors: dict[str, list[Tensor]] = field(default_factory=lambda: {m: [] for m in MODALITIES})

    @property
    def loss(self) -> float:
        """The mean over items."""
        return float(np.average(self.losses, weights=self.counts))

    @property
    def classes(self) -> Places:
        """(n,) the likeliest class of each item."""
        found: Places = torch.cat(self.predicted).numpy()
        return found

    def sides(self) -> dict[str, Side]:
        """The vectors of each modality that some item has."""
        return {
            name: Side(torch.cat(self.places[name]).numpy(), torch.cat(self.vectors[name]).numpy())
            for name in MODALITIES
            if self.places[name]
        }


def seen(
    batches: Batches, network: Towers, device: str, objective: Objective | None = None
) -> Seen:
    """The network's account of all items of a split, each with its first caption.

    Losses are of ``objective``, if there is one.
    """
    found = Seen()
    network.eval()
    with torch.inference_mode():
        for here in batches.in_order():
            batch = here.to(device)
            features = network.features(batch.inputs)
            if objective is not None:
                found.losses.append(float(objective.loss(batch, features, None)))
                found.counts.append(len(here.places))
            if network.classifier is not None:
                logits = network.logits(network.together(features, batch.inputs.has))
                found.predicted.append(logits.argmax(dim=1).cpu())
            for place, name in enumerate(MODALITIES):
                if name in features:
                    found.places[name].append(here.places[here.inputs.has[:, place]])
                    found.vectors[name].append(network.vectors(name, features[name]).cpu())
    return found


def held_out(batches: Batches, objective: Objective, device: str) -> dict[str, float]:
    """What an epoch tells of the validation split; measures are means over directions."""
    found = seen(batches, objective.network, device, objective)
    values = {"held_out_loss": found.loss}
    if objective.spec.classifies:
        values |= accuracies(found.classes, batches.labels)
    if objective.spec.contrasts:
        values |= mean(directions(found.sides(), batches.groups))
    return values


def score_of(values: dict[str, float], spec: TowersSpec) -> float:
    """One number of what ``held_out`` gave, better when higher: what the best epoch is told by.

    The mean class accuracy, the reciprocal rank, or the sum of the two; where neither could be
    measured, the loss as its negative.
    """
    wanted = [name for name in ("mean class accuracy", "RR") if name in values]
    return sum(values[name] for name in wanted) if wanted else -values["held_out_loss"]


def text_side(
    network: Towers,
    captions: Sequence[Sequence[Caption]],
    vocabulary: Vocabulary,
    *,
    longest: int,
    language: str | None = None,
) -> Side | None:
    """All captions, or those of a language, as the encoder ``towers-text`` has them."""
    found = [
        (place, caption.text)
        for place, of in enumerate(captions)
        for caption in of
        if language is None or (caption.language or "").split("-")[0] == language
    ]
    if not found:
        return None
    windows = windows_of([text for _, text in found], vocabulary, longest)
    vectors = windows.joined(_of_numbers(network, windows.ids), len(found))
    return Side(np.array([place for place, _ in found], dtype=np.int64), vectors)


_AT_ONCE = 256


def _of_numbers(network: Towers, rows: Sequence[Sequence[int]]) -> Vectors:
    """The vectors of texts that are numbers already."""
    device, parts = network.missing.device, []
    with torch.inference_mode():
        for start in range(0, len(rows), _AT_ONCE):
            numbers, mask = padded(rows[start : start + _AT_ONCE], PADDING)
            words = torch.from_numpy(numbers).to(device)
            counts = torch.from_numpy(mask.sum(axis=1)).to(device)
            parts.append(network.vectors("text", network.text(words, counts)).cpu().numpy())
    found: Vectors = np.concatenate(parts)
    return found


def measured(
    batches: Batches, network: Towers, vocabulary: Vocabulary, device: str
) -> dict[str, float]:
    """What a network is worth on a split.

    ``accuracy`` and ``mean class accuracy`` where it has classes, and for each direction among
    image, text and audio ``text→image Success@1`` and so on. All captions of an item are queries,
    and found; ``text:zh→image`` is of those of one language. An item of an equal caption is right.
    """
    found = seen(batches, network, device)
    values: dict[str, float] = {}
    if network.classifier is not None:
        values |= accuracies(found.classes, batches.labels)
    sides, groups = found.sides(), groups_of(batches.dataset.caption_keys)
    longest, captions = batches.spec.network.longest, batches.dataset.texts
    for language in (None, *_LANGUAGES):
        side = text_side(network, captions, vocabulary, longest=longest, language=language)
        if side is not None:
            sides["text" if language is None else f"text:{language}"] = side
    for name, scores in directions(sides, groups).items():
        if name.count("text") < 2:  # noqa: PLR2004 - a caption of an item finds another of it
            values |= {f"{name} {measure}": score for measure, score in scores.items()}
    return values
