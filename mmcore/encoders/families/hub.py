"""Models in transformers' layout: a folder with configuration, tokeniser and safetensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from typing import Any, Final

from mmcore.encoders.compute.device import Compute, share_cores, torch_dtype
from mmcore.encoders.weights.folder import SAFE, Folder
from mmcore.encoders.weights.hashes import sha256_of
from mmcore.encoders.weights.pinned import load_state
from mmcore.errors import ConfigError, MissingExtraError, UnsafeWeightsError

PICKLED: Final = "pytorch_model.bin"


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
    model, which transformers would make up; what the model does not use is left alone.
    """
    import transformers  # noqa: PLC0415 - making an encoder loads no transformers

    check_pins(folder)
    options: dict[str, Any] = {
        "dtype": torch_dtype(compute),
        "local_files_only": True,
        "trust_remote_code": False,
        "output_loading_info": True,
    }
    made = getattr(transformers, kind)
    with _quiet():
        if any(name.endswith(SAFE) for name in folder.files):
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
    path = folder.path / PICKLED
    pin = folder.pins.get(PICKLED)
    if pin is None:
        raise UnsafeWeightsError(
            folder.path,
            "it holds no .safetensors, and a pickle is only opened where the preset pins its"
            f" sha256: `mmindex encoders convert {path}` makes safetensors of one that you trust",
        )
    return pin


class HubTokeniser:
    """A tokeniser of transformers (towers.texts.Tokeniser)."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def whole(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of whole texts, special tokens around them."""
        found = self.tokenizer(list(texts), truncation=False, padding=False, verbose=False)
        return list(found["input_ids"])

    def around(self) -> tuple[list[int], list[int]]:
        """The special tokens before a text and behind it."""
        return self._around

    @cached_property
    def _around(self) -> tuple[list[int], list[int]]:
        whole = self.tokenizer("a")["input_ids"]
        bare = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        start = next(
            (n for n in range(len(whole)) if whole[n : n + len(bare)] == bare), len(whole)
        )
        return list(whole[:start]), list(whole[start + len(bare) :])


def read_tokeniser(folder: Folder, kind: str = "AutoTokenizer") -> HubTokeniser:
    """The tokeniser of a folder, by transformers' class ``kind``."""
    import transformers  # noqa: PLC0415 - see read_model

    made = getattr(transformers, kind)
    with _quiet():
        found = made.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)
    return HubTokeniser(found)
