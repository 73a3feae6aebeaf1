"""Trains the encoders ``lstm`` and ``gru`` on sounds without labels, into a folder of weights."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from mmcore.encoders.compute.device import device_of
from mmcore.encoders.families.recurrent import CONFIG, WEIGHTS
from mmcore.encoders.weights.releases import UNKNOWN
from mmcore.errors import ConfigError, MediaError
from mmcore.media.limits import check_bytes
from mmcore.media.sniff import HEAD, sniff
from mmcore.media.sounds.features import BANDS, log_mel
from mmcore.media.sounds.resample import RATE, Waveform
from mmcore.media.sounds.windows import windows
from mmcore.specs import LimitsSpec, Seconds, SegmentationSpec, Spec
from mmcore.training.loop.licences import Licence
from mmcore.training.loop.rates import Rate
from mmcore.types import Content
from storage.schemas import Modality

if TYPE_CHECKING:
    from mmcore.encoders.families.recurrent_network import Recurrent
    from mmcore.training.predictive import Epoch

log = logging.getLogger(__name__)

KINDS: Final = ("lstm", "gru")
LEAST: Final = 8
"""Sounds: of fewer nothing can be learnt, and no common scale be taken."""


class RecurrentSpec(Spec):
    """How a recurrent network is trained."""

    hidden: PositiveInt = Field(
        default=256, description="numbers of a state; a vector has two of each"
    )
    layers: PositiveInt = Field(default=2, description="layers, one above the other")
    epochs: PositiveInt = Field(default=40, description="passes over the sounds, at most")
    patience: PositiveInt = Field(
        default=4, description="passes without gain on held-out sounds that end the training"
    )
    ahead: PositiveInt = Field(default=3, description="frames of 10 ms that it has to look ahead")
    rate: Rate = Field(default=1e-3, description="learning rate")
    held_out: float = Field(
        default=0.1, gt=0, le=0.5, description="share of the sounds, the last ones, held out"
    )
    max_seconds: Seconds = Field(
        default=2 * 3600.0, description="seconds of sound that are learnt from, at most"
    )
    seed: int = Field(default=0, description="decides first weights, and the order of files")
    device: str = Field(default="auto", description="cpu, cuda:N or auto")
    licence: Licence = Field(default=UNKNOWN, description="licence of the weights, for the card")


@dataclass(slots=True)
class _Heard:
    """What was taken of the sounds that were offered."""

    frames: list[NDArray[np.float32]]
    seconds: float = 0.0


@dataclass(slots=True)
class _Read:
    """Files with sound, and those of them that could not be read to the end."""

    used: int = 0
    failed: int = 0


Progress = Callable[["Epoch"], None]


def train(
    files: Iterable[Path],
    kind: str,
    to: Path,
    spec: RecurrentSpec | None = None,
    *,
    limits: LimitsSpec | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train on the sounds, and the sound of videos, among ``files``; returns ``to``.

    Other files are left out; one that fails is counted in the card. They are taken in an order
    that the seed decides, ten seconds at a time, decoded in this process, until ``max_seconds``.
    Raises ConfigError as of ``train_recurrent``.
    """
    spec = spec or RecurrentSpec()
    _check(kind, to)
    read = _Read()
    found = _windows(_shuffled(files, spec.seed), limits or LimitsSpec(), read)
    heard = _heard(found, spec)
    told = {"files": read.used, "files_failed": read.failed}
    return _trained(heard, kind, to, spec, (told, progress))


def train_recurrent(
    sounds: Iterable[Waveform],
    kind: str,
    to: Path,
    spec: RecurrentSpec | None = None,
    *,
    progress: Progress | None = None,
) -> Path:
    """Train an ``lstm`` or a ``gru`` on mono sounds at 16 kHz; returns the folder ``to``.

    It then holds ``config.json``, ``model.safetensors`` and a card; it appears whole. The last
    tenth of the sounds is held out, and says when to stop. ``progress`` is called after each
    epoch. Raises ConfigError for another kind, a folder that holds something, or fewer than
    ``LEAST`` sounds longer than what is looked ahead.
    """
    spec = spec or RecurrentSpec()
    _check(kind, to)
    return _trained(_heard(sounds, spec), kind, to, spec, ({}, progress))


def _check(kind: str, to: Path) -> None:
    if kind not in KINDS:
        raise ConfigError(f"no recurrent network {kind!r}; known: {', '.join(KINDS)}")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise ConfigError(f"{to} is there already: name a new folder")


def _shuffled(files: Iterable[Path], seed: int) -> list[Path]:
    found = sorted(files)
    order = np.random.default_rng(seed).permutation(len(found)).tolist()
    return [found[place] for place in order]


def _windows(files: Sequence[Path], limits: LimitsSpec, read: _Read) -> Iterator[Waveform]:
    """The windows of all sounds in order."""
    for path in files:
        content = _content(path)
        if content is None:
            continue
        read.used += 1
        try:
            check_bytes(content.size, limits)
            for _, samples in windows(content, limits, SegmentationSpec()):
                yield samples
        except MediaError as error:
            read.failed += 1
            log.warning("%s: %s", path, error)


def _content(path: Path) -> Content | None:
    """A file as a content; None for one without sound."""
    with path.open("rb") as file:
        found = sniff(file.read(HEAD))
    if found is None or found[0] not in (Modality.AUDIO, Modality.VIDEO):
        return None
    size = path.stat().st_size
    return Content("", found[0], found[1], size, "training", str(path), str(path))


def _heard(sounds: Iterable[Waveform], spec: RecurrentSpec) -> _Heard:
    """Log-mel frames of sounds, until there are enough seconds; too short ones are left out."""
    heard = _Heard([])
    for samples in sounds:
        frames = log_mel(samples).T
        if len(frames) <= spec.ahead + 1:
            continue
        heard.frames.append(np.ascontiguousarray(frames))
        heard.seconds += len(samples) / RATE
        if heard.seconds >= spec.max_seconds:
            break
    if len(heard.frames) < LEAST:
        raise ConfigError(
            f"there are {len(heard.frames)} sounds to learn from, too few: at least {LEAST}"
            " (windows of ten seconds of a longer one count)"
        )
    return heard


def _trained(
    heard: _Heard,
    kind: str,
    to: Path,
    spec: RecurrentSpec,
    of: tuple[dict[str, Any], Progress | None],
) -> Path:
    """Train, and write the folder; ``of``: what the card says of files, and who is told."""
    import torch  # noqa: PLC0415 - a command line is shown without torch

    from mmcore.encoders.families.recurrent_network import Recurrent  # noqa: PLC0415 - as well
    from mmcore.training.predictive import Course, batches, learnt  # noqa: PLC0415 - as well

    files, progress = of
    held = max(1, round(spec.held_out * len(heard.frames)))
    sounds, others = heard.frames[:-held], heard.frames[-held:]
    device = device_of(spec.device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        network = Recurrent(kind, BANDS, spec.hidden, spec.layers)
    network.settle(torch.from_numpy(np.concatenate(sounds)))
    network.to(device)
    course = Course(spec.ahead, spec.epochs, spec.patience, spec.rate, spec.seed)
    epochs = learnt(network, sounds, others, course, progress or (lambda _: None))
    with torch.inference_mode():
        network.settle_vectors(batches(sounds, device))
    told = {
        **files,
        "sounds": len(sounds),
        "sounds_held_out": held,
        "seconds": round(heard.seconds, 1),
        **spec.model_dump(mode="json", include={"ahead", "rate", "seed"}),
        "losses": [asdict(epoch) for epoch in epochs],
    }
    return _write(to, network, {"kind": kind, "spec": spec, "told": told})


def _write(to: Path, network: Recurrent, made: dict[str, Any]) -> Path:
    """The folder appears whole."""
    from safetensors.torch import save_file  # noqa: PLC0415 - imports torch

    spec: RecurrentSpec = made["spec"]
    config = {
        "architecture": made["kind"],
        "bands": BANDS,
        "rate": RATE,
        "hidden": spec.hidden,
        "layers": spec.layers,
        "training": {"method": "autoregressive predictive coding", **made["told"]},
    }
    building = to.with_name(f".{to.name}.partial")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    state = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, building / WEIGHTS)
    (building / CONFIG).write_text(json.dumps(config, indent=1) + "\n", "utf-8")
    (building / "README.md").write_text(_card(made["kind"], spec, made["told"]), "utf-8")
    building.replace(to)
    return to


def _card(kind: str, spec: RecurrentSpec, told: dict[str, Any]) -> str:
    best = min(told["losses"], key=lambda epoch: epoch["held_out"])
    return (
        f"---\nlicense: {spec.licence}\n---\n"
        f"# {kind.upper()} of sounds\n\n"
        f"{spec.layers} layers of {spec.hidden}, over {BANDS} log-mel bands at {RATE} Hz. Trained"
        " by mmindex without labels, by autoregressive predictive coding (Chung et al., 2019,"
        f" arXiv:1904.03240), to foresee the frame {spec.ahead * 10} ms later.\n\n"
        f"- sounds: {told['sounds']}, {told['seconds']:,} seconds with {told['sounds_held_out']}"
        f" held out\n- epochs: {len(told['losses'])}, the best {best['number']}: mean distance on"
        f" held-out sounds {best['held_out']:.4f}\n- seed: {spec.seed}\n"
    )
