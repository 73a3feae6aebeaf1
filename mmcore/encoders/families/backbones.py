"""Pictures and frames by torchvision's classification models: what their last layer reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.base import Classifier
from mmcore.encoders.compute.device import Compute, share_cores
from mmcore.encoders.families import backbone_models
from mmcore.encoders.families.backbone_config import CONFIG, Config, read_config
from mmcore.encoders.families.backbone_facts import architectures, release_of
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.features import Group, Reading
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.model import Model
from mmcore.encoders.weights.folder import Folder, folder_of
from mmcore.encoders.weights.places import missing, place_of_weights
from mmcore.encoders.weights.releases import UNKNOWN, Release
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey
from storage.schemas import Modality

VERSION: Final = 1
RESNET18: Final = Preset(
    encoders=("resnet18-image", "resnet18-frames"),
    about="pictures and frames by ResNet-18 (He et al., 2016), of torchvision",
    releases=(release_of("resnet18"),),
)
TORCHVISION: Final = Preset(
    encoders=("torchvision-image", "torchvision-frames"),
    about="pictures and frames by any classification model of torchvision",
    releases=tuple(release_of(name) for name in architectures()),
    needs="NAME_OR_FOLDER",
)


class Backbone(ArrayEncoder):
    """A picture or frame encoder: what the last layer of an ImageNet model reads.

    A cell is a unit vector in homogeneous coordinates, ``[features, 16] / length``, so that a head
    can have the features back.
    """

    def __init__(
        self, key: EncoderKey, model: Model[Run], runtime: RuntimeSpec, config: Config
    ) -> None:
        recipe = config.recipe
        super().__init__(key, recipe, model, runtime, size=recipe.target)
        self.config = config
        rectified = config.architecture.rectified
        group = Group(0, config.architecture.dim, "root" if rectified else "centred")
        self.reading = Reading((group,), constant=backbone_models.CONSTANT)


class ClassifyingBackbone(Backbone):
    """One whose classes have names: it has a label-based head without any pair."""

    def classifier(self) -> Classifier:
        """The last layer, in full precision; loads the model."""
        return self._classifier

    @cached_property
    def _classifier(self) -> Classifier:
        network = self._model.on(self._compute, self._runtime)
        names = backbone_models.categories(self.config)
        return backbone_models.classifier_of(network, names)


@dataclass(frozen=True, slots=True)
class _Place:
    """Weights that were found, and what their configuration says."""

    preset: str
    folder: Folder
    config: Config


def _place(name: str, preset: Preset, runtime: RuntimeSpec) -> _Place:
    """What a preset loads; the pin of a published file is its name's digits."""
    told = runtime.models.get(name)
    release = preset.release(f"torchvision/{told}" if told in architectures() else told)
    path = place_of_weights(name, release, runtime)
    if not (path / CONFIG).is_file() and not _holds_something(path):
        raise missing(name, path, runtime)
    config = read_config(path / CONFIG)
    published = config.published
    licence = published.licence if published else UNKNOWN
    pins = {published.file: published.pin} if published else {}
    here = Release("torchvision", str(path), licence, sha256=pins)
    at = runtime.model_copy(update={"models": {**runtime.models, name: str(path)}})
    return _Place(name, folder_of(name, here, at, (CONFIG, "*.safetensors")), config)


def _holds_something(path: Path) -> bool:
    return path.is_dir() and any(path.iterdir())


def _built(
    name: str,
    place: _Place,
    reads: Modality,
    segmentation: SegmentationSpec,
    runtime: RuntimeSpec,
) -> Backbone:
    """The encoder ``name`` over pictures, or over frames."""
    share_cores()
    config, folder = place.config, place.folder
    facts: dict[str, Any] = {
        "architecture": config.name,
        "preprocessing": config.shaping,
        "constant": backbone_models.CONSTANT,
    }
    keys = Keys(place.preset, VERSION, folder.digest, segmentation)
    key = keys.key(name, reads, config.architecture.dim + 1, **facts)

    def load(compute: Compute) -> Run:
        return backbone_models.load(folder, config, compute)

    model = Model(
        f"torchvision {config.name} {folder.digest[:8]}", folder.licence, load, folder=folder
    )
    kind = ClassifyingBackbone if config.classifies else Backbone
    return kind(key, model, runtime, config)


def _resnet18(runtime: RuntimeSpec) -> _Place:
    place = _place("resnet18", RESNET18, runtime)
    if place.config.name != "resnet18":
        raise ConfigError(
            f"{place.folder.path / CONFIG}: architecture is {place.config.name!r}: name the folder"
            " behind `torchvision:`"
        )
    return place


def _any(runtime: RuntimeSpec) -> _Place:
    if "torchvision" not in runtime.models:
        raise ConfigError("preset 'torchvision' needs a model: torchvision:resnet50, for instance")
    return _place("torchvision", TORCHVISION, runtime)


def build_resnet18_image(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> Backbone:
    """The encoder ``resnet18-image``."""
    return _built("resnet18-image", _resnet18(runtime), Modality.IMAGE, segmentation, runtime)


def build_resnet18_frames(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> Backbone:
    """The encoder ``resnet18-frames``: the same model and space, over frames."""
    return _built("resnet18-frames", _resnet18(runtime), Modality.VIDEO, segmentation, runtime)


def build_image(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> Backbone:
    """The encoder ``torchvision-image``; ConfigError where no model is named."""
    return _built("torchvision-image", _any(runtime), Modality.IMAGE, segmentation, runtime)


def build_frames(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> Backbone:
    """The encoder ``torchvision-frames``: the same model and space, over frames."""
    return _built("torchvision-frames", _any(runtime), Modality.VIDEO, segmentation, runtime)
