"""What models with one space of pictures and texts have in common: keys, names, encoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from mmcore.encoders.compute.device import Compute
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.towers.arrays import ArrayEncoder, Run
from mmcore.encoders.towers.model import Model
from mmcore.encoders.towers.pictures import Pixels, Recipe, on_pixels
from mmcore.encoders.towers.texts import TextEncoder, TextModel
from mmcore.encoders.weights.folder import Folder
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey
from storage.schemas import Modality

_SUFFIX: Final = {Modality.TEXT: "text", Modality.IMAGE: "image", Modality.VIDEO: "frames"}


@dataclass(frozen=True, slots=True)
class Joint:
    """One checkpoint of a preset, and the run that its encoders are made for.

    ``version``: of the family's code; it is raised when other vectors come out.
    """

    preset: str
    version: int
    folder: Folder
    segmentation: SegmentationSpec
    runtime: RuntimeSpec

    def key(self, modality: Modality, dim: int, facts: Mapping[str, Any]) -> EncoderKey:
        """The key of one encoder; ``facts``: what is done before the model and behind it."""
        name = f"{self.preset}-{_SUFFIX[modality]}"
        tower = "text" if modality is Modality.TEXT else "image"
        return self._keys.key(name, modality, dim, tower=tower, **facts)

    def pictures(
        self, modality: Modality, dim: int, recipe: Recipe, load: Callable[[Compute], Pixels]
    ) -> ArrayEncoder:
        """The encoder of pictures or of frames; both share one model."""

        def run(compute: Compute) -> Run:
            return on_pixels(recipe, compute, load(compute))

        key = self.key(modality, dim, {"recipe": asdict(recipe)})
        model = Model(self._keys.model("image"), self.folder.licence, run, folder=self.folder)
        return ArrayEncoder(key, recipe, model, self.runtime, size=recipe.target)

    def texts(
        self, dim: int, most: int, facts: Mapping[str, Any], load: Callable[[Compute], TextModel]
    ) -> TextEncoder:
        """The encoder of texts, of ``most`` tokens at once."""
        key = self.key(Modality.TEXT, dim, {"tokens": most, **facts})
        model = Model(self._keys.model("text"), self.folder.licence, load, folder=self.folder)
        return TextEncoder(key, model, self.runtime, most=most)

    @property
    def _keys(self) -> Keys:
        return Keys(self.preset, self.version, self.folder.digest, self.segmentation)
