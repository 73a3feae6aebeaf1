"""Model: what an encoder loads once a process, and shares with others of the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mmcore.encoders.compute.device import Compute
from mmcore.encoders.compute.loaded import loaded, settle
from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec
from mmcore.types import EncoderKey

T = TypeVar("T")


def name_of(key: EncoderKey) -> str:
    """An encoder's name for whoever reads of its batches; encoders of one model have their own."""
    return f"{key.name} {key.fingerprint[:8]}"


@dataclass(frozen=True, slots=True)
class Model(Generic[T]):
    """How a model is loaded; two of one ``name`` are one model, loaded once a process.

    ``name`` has to tell weights apart: it ends with their digest. ``most``: rows of a batch that
    suit it on a CPU, where no setting says so; None for the usual number. GPUs do not look at it.
    """

    name: str
    licence: str
    load: Callable[[Compute], T]
    most: int | None = None
    folder: Folder | None = None  # of the weights, where they may change meanwhile

    def on(self, compute: Compute, runtime: RuntimeSpec) -> T:
        """The model, loaded at the first call.

        ConfigError where the weights are not those any more that ``name`` ends with.
        """

        def load() -> T:
            settle(compute, runtime)
            model = self.load(compute)
            if self.folder is not None and not self.name.endswith(self.folder.digest[:8]):
                raise ConfigError(
                    f"{self.folder.path}: the weights have changed while they were in use: run it"
                    " again, with the ones that you want"
                )
            return model

        return loaded((self.name, compute), load)
