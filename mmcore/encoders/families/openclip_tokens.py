"""open_clip's tokenisers: its own, and transformers' behind its cleaning of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcore.encoders.families.hub import loading
from mmcore.encoders.families.openclip_files import Checkpoint, quiet, text_tower
from mmcore.encoders.families.tokenisers import HubTokeniser, check_tokeniser


class ByteTokeniser:
    """open_clip's own tokeniser, that of OpenAI's CLIP (towers.texts.Tokeniser)."""

    pad, left = 0, False

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def whole(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of whole texts, cleaned as the configuration says."""
        before, behind = self.around()
        return [[*before, *self.tokenizer.encode(text), *behind] for text in texts]

    def around(self) -> tuple[list[int], list[int]]:
        """The start and the end of a text."""
        return [self.tokenizer.sot_token_id], [self.tokenizer.eot_token_id]


class CleanedTokeniser(HubTokeniser):
    """A tokeniser of transformers' behind open_clip's cleaning of texts."""

    def __init__(self, wrapper: Any) -> None:
        super().__init__(wrapper.tokenizer)
        self.clean = wrapper.clean_fn
        self.pad = self.tokenizer.pad_token_id
        self.left = self.tokenizer.padding_side == "left"
        self.strips = self.tokenizer.sep_token_id if wrapper.strip_sep_token else None

    def whole(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of whole texts, special tokens around them."""
        return [self._stripped(ids) for ids in super().whole([self.clean(one) for one in texts])]

    def around(self) -> tuple[list[int], list[int]]:
        """The special tokens before a text and behind it."""
        before, behind = super().around()
        return self._stripped(before), self._stripped(behind)

    def _stripped(self, ids: list[int]) -> list[int]:
        """With 0 for the separator, where the configuration wants that (CLIPA)."""
        return ids if self.strips is None else [0 if one == self.strips else one for one in ids]


def read_clip_tokeniser(found: Checkpoint, place: str) -> ByteTokeniser | CleanedTokeniser:
    """The tokeniser of a staged folder, as open_clip makes it; ConfigError for an empty one."""
    import open_clip  # noqa: PLC0415 - making an encoder loads no torch

    with loading(found.folder.path), quiet():
        if not found.text.get("hf_tokenizer_name"):
            return ByteTokeniser(open_clip.get_tokenizer(place))
        options = {"local_files_only": True, "trust_remote_code": False}
        tokeniser = CleanedTokeniser(open_clip.get_tokenizer(place, **options))
    size = text_tower(found).get("vocab_size") if "hf_model_name" in found.text else None
    check_tokeniser(tokeniser.tokenizer, found.folder.path, size)
    return tokeniser
