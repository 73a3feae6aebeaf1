"""Fine-tunes a published model with a joint space on one's own pairs, into a folder of weights."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mmcore.encoders.compute.device import Compute, device_of
from mmcore.encoders.weights.cards import read_card
from mmcore.encoders.weights.releases import is_noncommercial
from mmcore.errors import ConfigError, TrainingError
from mmcore.specs import RuntimeSpec
from mmcore.training.dataset.splits import TEST, TRAIN, VALIDATION
from mmcore.training.finetuning.spec import FinetuneSpec
from mmcore.training.loop.curves import Point
from mmcore.training.loop.seeds import seeded

if TYPE_CHECKING:
    from mmcore.encoders.weights.folder import Folder
    from mmcore.training.finetuning.pairs import Pair, Pairs
    from mmcore.training.finetuning.vectors import Embedder

log = logging.getLogger(__name__)

Progress = Callable[[Point], None]

CHECKED: Final = 16
"""Held-out pairs whose vectors are read back from the written folder."""

AGREES: Final = 0.999
"""Cosine, at least, of these and of what the trained model gives."""


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """What came of it. ``folder`` is None where nothing was written: it was no better.

    ``before`` and ``after``: RR and Success@k of the test pairs, ``RR`` the mean of both
    directions. ``points``: the validation pairs by epoch, 0 before the training; ``best`` is the
    epoch whose weights were taken, 0 if none was better than the base.
    """

    folder: Path | None
    before: Mapping[str, float]
    after: Mapping[str, float]
    best: int
    points: tuple[Point, ...]
    counts: Mapping[str, Any]

    @property
    def better(self) -> bool:
        """Whether held-out pairs are found better than by the base."""
        return self.after["RR"] > self.before["RR"]

    def __str__(self) -> str:
        """One line for a person."""
        told = (
            f"RR of {self.counts['items'][TEST]} held-out pairs {self.before['RR']:.4f} before,"
            f" {self.after['RR']:.4f} after"
        )
        if self.folder is None or not self.better:
            return f"no better than the base: {told}" + ("; not written" * (self.folder is None))
        return told


def finetune(
    preset: str,
    weights: str | Path,
    source: str | Path,
    to: Path,
    spec: FinetuneSpec | None = None,
    *,
    progress: Progress | None = None,
) -> FinetuneResult:
    """Fine-tune ``weights`` (a folder, or an id) of ``preset`` on a folder or a lake.

    ``to`` is a folder that the preset loads; it appears whole, and not at all where held-out pairs
    are found no better than before, unless ``spec.keep_anyway``. The same seed gives the same
    weights on a CPU. ``progress`` is called after each epoch.

    Raises ConfigError for a preset that cannot be fine-tuned, a device that is not there, or a
    folder that holds something; MissingExtraError; NothingToLearnError for too few pairs;
    TrainingError for a loss that is no number, or too little memory.
    """
    import torch  # noqa: PLC0415 - a command line is shown without torch

    from mmcore.training.finetuning.families import FAMILIES  # noqa: PLC0415 - the same
    from mmcore.training.loop.folders import check_free  # noqa: PLC0415 - the same

    spec = spec or FinetuneSpec()
    if preset not in FAMILIES:
        raise ConfigError(f"{preset!r} is not fine-tuned here; known: {', '.join(FAMILIES)}")
    check_free(to)
    try:
        with seeded(spec.seed):
            work = _opened(preset, weights, source, spec)
            return _trained(work, to, progress or (lambda _: None))
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"batch_size {spec.batch_size} does not fit into the memory of the device: take a"
            " smaller one, or gradient_checkpointing=true; nothing is kept of this training"
        ) from error


@dataclass(frozen=True, slots=True)
class _Work:
    """What is trained, and on what."""

    preset: str
    spec: FinetuneSpec
    embedder: Embedder
    pairs: Pairs
    licence: str

    @property
    def base(self) -> Folder:
        """Where the weights come from."""
        return self.embedder.joint.folder


def _opened(preset: str, weights: str | Path, source: str | Path, spec: FinetuneSpec) -> _Work:
    """The model on its device, and the pairs whose media can be read."""
    from mmcore.training.finetuning.families import FAMILIES, encoders_for  # noqa: PLC0415
    from mmcore.training.finetuning.inputs import Inputs  # noqa: PLC0415 - loads torch
    from mmcore.training.finetuning.pairs import pairs_of  # noqa: PLC0415 - the same
    from mmcore.training.finetuning.vectors import Embedder  # noqa: PLC0415 - the same

    device = device_of(spec.device)
    runtime = _runtime(preset, weights)
    texts, media = encoders_for(preset, runtime)
    licence = _licence(media.licence, spec)
    pairs = pairs_of(source, FAMILIES[preset].modality, spec)
    pairs.check()
    inputs = Inputs(media, spec.pieces, spec.keep_bytes)
    readable = inputs.readable(pairs.contents)
    pairs = pairs.kept(lambda content: content.content_id in readable)
    pairs.check()
    joint = FAMILIES[preset].open(runtime, Compute(device, "float32"), media.recipe)
    embedder = Embedder(joint, inputs, texts.most, spec.batch_size, device, spec.amp)
    return _Work(preset, spec, embedder, pairs, licence)


def _runtime(preset: str, weights: str | Path) -> RuntimeSpec:
    """Of encoders of a folder, whatever it is called, or of an id; in float32 on the CPU.

    Licences are looked at here (``_licence``), before any work, and under this command's settings.
    """
    named = str(weights.absolute()) if isinstance(weights, Path) else weights
    return RuntimeSpec(device="cpu", dtype="float32", models={preset: named}, noncommercial=True)


def _licence(base: str, spec: FinetuneSpec) -> str:
    if spec.licence and is_noncommercial(base) and not is_noncommercial(spec.licence):
        raise ConfigError(
            f"licence {spec.licence!r}: the base model's ({base}) is not for commercial use, which"
            " holds for what is made of it"
        )
    licence = spec.licence or base
    if is_noncommercial(licence) and not spec.noncommercial:
        raise ConfigError(
            f"licence {licence!r}: the weights would not be for commercial use; where that is what"
            " you want, --set noncommercial=true"
        )
    return licence


def _trained(work: _Work, to: Path, progress: Progress) -> FinetuneResult:
    from mmcore.training.finetuning.loop import Course, Loss  # noqa: PLC0415 - loads torch
    from mmcore.training.finetuning.parameters import learning  # noqa: PLC0415 - the same

    embedder, spec, splits = work.embedder, work.spec, work.pairs.splits
    before = _scored(embedder, splits[TEST])
    learnt = learning(embedder.joint, spec)
    course = Course(embedder, learnt, Loss.of(embedder.joint, spec), spec)
    points, best = course.learn(splits[TRAIN], splits[VALIDATION], progress)
    after = _scored(embedder, splits[TEST]) if best else before
    found = FinetuneResult(to, before, after, best, points, work.pairs.counts())
    if not (found.better or spec.keep_anyway):
        unwritten = replace(found, folder=None)
        log.warning("%s", unwritten)
        return unwritten
    size = sum(one.numel() for one in learnt.weights.values())
    model = learnt.merged()
    _write(work, model, found, (course.loss.kind, size))
    return found


def _scored(embedder: Embedder, pairs: Sequence[Pair]) -> dict[str, float]:
    from mmcore.training.finetuning.metrics import scores  # noqa: PLC0415 - as above

    texts, of = embedder.all_texts(pairs)
    return scores(texts, of, embedder.all_media(pairs), [pair.key for pair in pairs])


def _write(work: _Work, model: Any, found: FinetuneResult, how: tuple[str, int]) -> None:
    """The folder, which appears whole once its own encoders give the trained vectors."""
    from mmcore.training.finetuning.writing import (  # noqa: PLC0415 - as above
        Told,
        copy_files,
        write_card,
    )
    from mmcore.training.loop.folders import building  # noqa: PLC0415 - as above

    card = read_card(work.base.path)
    told = Told(
        preset=work.preset,
        base=card.id if card else work.base.path.name,
        base_digest=work.base.digest,
        licence=work.licence,
        spec=work.spec,
        objective=how[0],
        learnt=how[1],
        counts=found.counts,
        before=found.before,
        after=found.after,
        best=found.best,
        points=found.points,
    )
    if found.folder is None:
        return
    with building(found.folder) as folder:
        work.embedder.joint.save(model, folder)
        copy_files(work.base, folder)
        write_card(told, folder)
        _check_written(work, folder)


def _check_written(work: _Work, folder: Path) -> None:
    """TrainingError unless the preset's encoders of the folder give what was trained."""
    import numpy as np  # noqa: PLC0415 - with torch

    from mmcore.training.finetuning.families import encoders_for  # noqa: PLC0415 - as above

    texts, media = encoders_for(work.preset, _runtime(work.preset, folder))
    embedder = replace(work.embedder, amp=False)
    pairs = work.pairs.splits[TEST][:CHECKED]
    said = [pair.captions[0] for pair in pairs]
    seen = np.stack([embedder.inputs.of(pair.contents[0])[0] for pair in pairs])
    trained = embedder.bare(said, seen)
    for own, wanted in zip((texts.encode(said), media.encode(seen)), trained, strict=True):
        least = float((own * wanted).sum(axis=1).min())
        if not least >= AGREES:
            raise TrainingError(
                f"{folder}: the weights were written, but the preset reads other vectors from them"
                f" (cosine {least:.4f}): nothing is kept; please report it"
            )
