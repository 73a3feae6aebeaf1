"""Models in transformers' layout: a folder with configuration and safetensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOENT
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import Any, Final

from mmcore.encoders.compute.device import Compute, share_cores, torch_dtype
from mmcore.encoders.weights.convert import only_pickled
from mmcore.encoders.weights.folder import MODEL, SAFE, Folder
from mmcore.encoders.weights.hashes import sha256_of
from mmcore.encoders.weights.pinned import load_state
from mmcore.errors import ConfigError, MissingExtraError, UnsafeWeightsError
from storage.schemas import MmindexError

PICKLED: Final = "pytorch_model.bin"
ADAPTER: Final = "adapter_config.json"


def check_extra(preset: str) -> None:
    """Raise MissingExtraError where transformers is not installed; share the cores, as to load."""
    if find_spec("transformers") is None:
        raise MissingExtraError(f"the preset {preset!r}", "hub")
    share_cores()


def check_pins(folder: Folder) -> None:
    """Raise UnsafeWeightsError for a file whose hash is not the one that is pinned."""
    for name, pin in folder.pins.items():
        if name in folder.files:
            found = sha256_of(folder.path / name)
            if not found.startswith(pin):
                why = f"its sha256 is {found}, the preset pins {pin}: fetch it again"
                raise UnsafeWeightsError(folder.path / name, why)


def read_model(folder: Folder, kind: str, compute: Compute) -> Any:
    """The model of class ``kind`` of transformers, for inference, on its device.

    No code of the folder runs. Weights are safetensors, or a ``pytorch_model.bin`` whose sha256
    the preset pins; UnsafeWeightsError for any other. ConfigError where they lack a tensor of the
    model, which transformers would make up, and for files that it cannot read; what the model
    does not use is left alone.
    """
    import transformers  # noqa: PLC0415 - making an encoder loads no transformers

    check_pins(folder)
    _check_plain(folder)
    options: dict[str, Any] = {
        "dtype": torch_dtype(compute),
        "local_files_only": True,
        "trust_remote_code": False,
        "output_loading_info": True,
    }
    made = getattr(transformers, kind)
    safe = any(name.endswith(SAFE) for name in folder.files)
    with loading(folder.path):
        if safe:
            model, told = made.from_pretrained(folder.path, use_safetensors=True, **options)
        else:
            read = getattr(made, "config_class", None) or transformers.AutoConfig
            config = read.from_pretrained(folder.path, local_files_only=True)
            state = load_state(folder.path / PICKLED, _pin(folder))
            model, told = made.from_pretrained(None, config=config, state_dict=state, **options)
    if missing := sorted(told["missing_keys"]):
        raise ConfigError(
            f"{folder.path}: the weights lack {len(missing)} tensors of a {kind}, the first is"
            f" {missing[0]}"
        )
    return model.eval().requires_grad_(False).to(compute.device)


def _check_plain(folder: Folder) -> None:
    """ConfigError where transformers would load other weights than those that are hashed."""
    if (folder.path / ADAPTER).is_file():
        raise ConfigError(
            f"{folder.path / ADAPTER}: adapters are not loaded: merge it into the model's weights"
        )
    if folder.json("config.json").get("transformers_weights"):
        raise ConfigError(
            f"{folder.path / 'config.json'}: transformers_weights names other weights: call them"
            f" {MODEL}, and remove the field"
        )


_OF_FILES: Final = (
    *(OSError, ValueError, RuntimeError, LookupError, TypeError),
    *(ArithmeticError, AssertionError, AttributeError, ImportError),
)
"""What transformers, and what it is built on, raise for files with something odd in them."""


@contextmanager
def loading(path: Path) -> Iterator[None]:
    """Without a network, and without transformers' bars and tables of tensors.

    What it says of files is a ConfigError: no second try helps. Errors of the disk stay.
    """
    import torch  # noqa: PLC0415 - see read_model
    from safetensors import SafetensorError  # noqa: PLC0415 - as well

    try:
        with offline(), _quiet():
            yield
    except (MmindexError, torch.OutOfMemoryError):
        raise
    except (*_OF_FILES, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno not in (None, ENOENT):
            raise
        why = " ".join(str(error).split())[:300] or type(error).__name__
        raise ConfigError(f"{path}: cannot be loaded ({why})") from error


@contextmanager
def offline() -> Iterator[None]:
    """Nothing inside asks a hub, whatever a configuration names; its library then raises."""
    from huggingface_hub import constants  # noqa: PLC0415 - an extra

    with _switching:
        told, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = told


_switching: Final = RLock()  # two that load at once would switch it back too early


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' bars and tables of tensors; what matters of them is an error."""
    from transformers.utils import logging as untyped  # noqa: PLC0415 - see read_model

    logging: Any = untyped
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _pin(folder: Folder) -> str:
    pin = folder.pins.get(PICKLED)
    if pin is None or PICKLED not in folder.files:
        raise only_pickled(folder.path, MODEL)
    return pin
