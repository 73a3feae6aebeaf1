"""What `mmindex encoders train` does: an encoder of one's own, of a lake's texts or of folders."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.config.index import IndexConfig
from flows.terminal.overrides import assigned, nested, valid
from flows.terminal.printing import ERR, OUT, print_json
from mmcore.errors import ConfigError, MediaError, TrainingError
from mmcore.media.crawl import crawl, walk
from mmcore.media.texts.read import read_text
from mmcore.media.urls import is_remote
from mmcore.specs import CrawlSpec, LimitsSpec
from mmcore.types import Content, MediaFile, Source
from storage.layout import Layout
from storage.places.place import place_of
from storage.schemas import Modality
from storage.snapshot import Snapshot

if TYPE_CHECKING:
    from mmcore.training.loop.curves import Point
    from mmcore.training.predictive import Epoch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sources:
    """What is trained on: folders of media, or what a lake holds.

    ``resume``: whether a training that was interrupted goes on.
    """

    media: tuple[str, ...] = ()
    lake: str | None = None
    resume: bool = False


Trainer = Callable[[Sources, Path, tuple[str, ...]], Path]
"""What is trained on, the folder to write, and ``NAME=VALUE`` settings → the folder."""


def run_train(
    kind: str, sources: Sources, to: Path, settings: Iterable[str], *, as_json: bool
) -> None:
    """`mmindex encoders train`: write a folder of weights that the preset ``kind`` loads."""
    if kind not in KINDS:
        raise ConfigError(f"no encoder {kind!r} is trained here; known: {', '.join(KINDS)}")
    if bool(sources.media) == bool(sources.lake):
        raise ConfigError("say what to train on: folders, or --lake LAKE")
    if sources.resume and kind not in RESUMED:
        raise ConfigError(f"--resume: a training of {kind} keeps no checkpoints: begin anew")
    made = KINDS[kind](sources, to.expanduser().absolute(), tuple(settings))
    if as_json:
        print_json({"kind": kind, "path": str(made)})
    else:
        OUT.print(f"trained {made}", highlight=False, soft_wrap=True, markup=False)
        use = f"→ mmindex index … --preset {kind}:{made}"
        OUT.print(use, style="green", highlight=False, soft_wrap=True, markup=False)


def _word2vec(sources: Sources, to: Path, said: tuple[str, ...]) -> Path:
    from mmcore.training import words  # noqa: PLC0415 - an extra

    texts = texts_of_lake(sources.lake) if sources.lake else texts_of(sources.media)
    return words.train(texts, to, **settings_of(words.train, said))


def _recurrent(kind: str) -> Trainer:
    """Of the sounds of folders, and of the sound of their videos."""

    def trained(sources: Sources, to: Path, said: tuple[str, ...]) -> Path:
        from mmcore.training import recurrent  # noqa: PLC0415 - only here

        if sources.lake:
            raise ConfigError(
                f"{kind} learns from sounds, which a lake does not keep: name folders"
            )
        spec = valid(recurrent.RecurrentSpec, dict(assigned(said)))
        return recurrent.train(files_of(sources.media), kind, to, spec, progress=_told)

    return trained


def _told(epoch: Epoch) -> None:
    said = f"epoch {epoch.number}: {epoch.held_out:.4f} on held-out sounds"
    ERR.print(said, style="dim", highlight=False)


def _towers(sources: Sources, to: Path, said: tuple[str, ...]) -> Path:
    """Of the pictures, texts and sounds of a folder, or of those that a lake was made of."""
    from mmcore.training.towers import train  # noqa: PLC0415 - only here
    from mmcore.training.towers.spec import TowersSpec  # noqa: PLC0415 - the same

    if len(sources.media) > 1:
        raise ConfigError("towers learn from one folder, or from --lake LAKE: index several first")
    source = sources.lake or sources.media[0]
    spec = valid(TowersSpec, nested(said))
    train.train_retrieval_model(source, to, spec, progress=_told_of, resume=sources.resume)
    return to


def _told_of(point: Point) -> None:
    values = ", ".join(f"{name} {value:.3f}" for name, value in point.values.items())
    ERR.print(f"epoch {point.epoch}: {values}", style="dim", highlight=False, soft_wrap=True)


def _tuned(preset: str) -> Trainer:
    """Published weights, on the pairs of a folder, or of those that a lake was made of."""

    def tuned(sources: Sources, to: Path, said: tuple[str, ...]) -> Path:
        from mmcore.training.finetuning.spec import FinetuneSpec  # noqa: PLC0415 - only here
        from mmcore.training.finetuning.train import finetune  # noqa: PLC0415 - the same

        if len(sources.media) > 1:
            raise ConfigError(
                f"{preset} is fine-tuned on one folder, or on --lake LAKE: index several first"
            )
        settings = dict(assigned(said))
        base = str(settings.pop("base", ""))
        if not base:
            raise ConfigError("say which weights to fine-tune: --set base=FOLDER, or an id")
        spec = valid(FinetuneSpec, settings)
        source = sources.lake or sources.media[0]
        found = finetune(preset, base, source, to, spec, progress=_told_of)
        if found.folder is None:
            raise TrainingError(f"{found}; --set keep_anyway=true writes it nevertheless")
        ERR.print(str(found), style="dim", highlight=False, soft_wrap=True)
        return found.folder

    return tuned


KINDS: Final[Mapping[str, Trainer]] = {
    "word2vec": _word2vec,
    "lstm": _recurrent("lstm"),
    "gru": _recurrent("gru"),
    "towers": _towers,
    **{name: _tuned(name) for name in ("siglip2", "chinese-clip", "clip", "clap")},
}

RESUMED: Final = frozenset({"towers"})
"""Kinds whose trainings leave checkpoints."""


def settings_of(train: Callable[..., Any], said: Iterable[str]) -> dict[str, Any]:
    """``NAME=VALUE`` as keyword arguments of ``train``; ConfigError for what it has not."""
    kinds = inspect.signature(train).parameters.values()
    known = {one.name: one.default for one in kinds if one.kind is one.KEYWORD_ONLY}
    found: dict[str, Any] = {}
    for name, told in assigned(said):
        if name not in known:
            raise ConfigError(f"--set {name}: there are {', '.join(known)}")
        value = tuple(told) if isinstance(told, list) else told  # as usual values are
        if type(value) is not type(known[name]):
            raise ConfigError(f"--set {name}={value}: its usual value is {known[name]!r}")
        found[name] = value
    return found


def texts_of_lake(lake: str) -> Iterator[str]:
    """Each text of the published snapshot once: captions, pages, subtitles, what was read."""
    snapshot = Snapshot.open(Layout(place_of(lake)))
    if snapshot.manifest.private:
        raise ConfigError(f"{lake}: a private lake keeps no texts: train on the folders")
    table = snapshot.rows(f"segments/{Modality.TEXT}", ["segment_id", "text"])
    seen: set[int] = set()
    for batch in table.to_batches():
        for row in batch.to_pylist():
            if row["text"] and row["segment_id"] not in seen:
                seen.add(row["segment_id"])
                yield row["text"]


def texts_of(media: tuple[str, ...]) -> Iterator[str]:
    """Each text file of folders once; what cannot be read is told in the log, and left out."""
    limits, seen = LimitsSpec(), set[str]()
    for source in _sources(media):
        for file in crawl(source, CrawlSpec(), limits, {}).files:
            if file.modality is Modality.TEXT and file.content_id not in seen:
                seen.add(file.content_id)
                yield from _text(source, file, limits)


def files_of(media: tuple[str, ...]) -> Iterator[Path]:
    """The files of folders here, whatever they are."""
    for source in _sources(media):
        if is_remote(source.url):
            raise ConfigError(f"{source.url} lies in a store: copy it here first")
        entries = walk(source, CrawlSpec()).entries
        yield from (Path(source.url, entry.path) for entry in entries if not entry.fault)


def _sources(media: tuple[str, ...]) -> tuple[Source, ...]:
    """Folders as `mmindex index` names them."""
    return valid(IndexConfig, {"media": media, "lake": "none"}).sources()


def _text(source: Source, file: MediaFile, limits: LimitsSpec) -> Iterator[str]:
    place = f"{source.url}/{file.path}"
    content = Content(
        file.content_id, file.modality, file.media_type, file.size, file.root, file.path, place
    )
    try:
        yield read_text(content, limits)
    except (MediaError, OSError) as error:
        log.warning("%s: left out, %s", place, error)
