"""Tokenisers in transformers' layout, and whether one knows any words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.families.hub import loading
from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError

_SIGNS: Final = ("a", "b", "e", "1", "2", "，", "的", "一", "人")
"""One character each: what a tokeniser without a vocabulary cannot tell apart."""


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


def read_tokeniser(folder: Folder) -> HubTokeniser:
    """The tokeniser of a folder; ConfigError where it is not that of the model."""
    import transformers  # noqa: PLC0415 - making an encoder loads no transformers

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    with loading(folder.path):
        found = transformers.AutoTokenizer.from_pretrained(folder.path, **options)
        config = transformers.AutoConfig.from_pretrained(folder.path, **options)
        text: Any = getattr(config, "text_config", config)
    check_tokeniser(found, folder.path, text.vocab_size)
    return HubTokeniser(found)


def check_tokeniser(tokenizer: Any, path: Path, size: int | None) -> None:
    """ConfigError for a tokeniser that tells no texts apart, or is not of a model of ``size``.

    Where files of its vocabulary are missing, transformers makes up one with special tokens
    alone, and every text has the same vector. Models have some places more than there are tokens,
    but not twice as many. None: no size is to be compared.
    """
    told = {tuple(ids) for ids in tokenizer(list(_SIGNS))["input_ids"]}
    if len(told) == 1:
        raise ConfigError(f"{path}: the tokeniser has no vocabulary: put all of its files there")
    known = len(tokenizer)
    if size is not None and not (tokenizer.vocab_size <= size <= 2 * known):
        raise ConfigError(
            f"{path}: the tokeniser has {known} tokens, the model (vocab_size) {size}: they do not"
            " belong together"
        )
