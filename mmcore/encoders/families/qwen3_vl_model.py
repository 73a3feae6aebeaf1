"""Qwen3-VL as a sentence encoder: what is said around an input, and what is taken of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.device import Compute, moved
from mmcore.encoders.families.hub import read_model
from mmcore.encoders.families.qwen3_vl_pictures import Recipe
from mmcore.encoders.families.sentences import by_last
from mmcore.encoders.families.tokenisers import HubTokeniser, read_tokeniser
from mmcore.encoders.towers.arrays import Run
from mmcore.encoders.towers.texts import TextModel, padded
from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError

if TYPE_CHECKING:
    import torch

INSTRUCTION: Final = "Represent the user's input."
"""The default of the model's own embedding code; it is the system's message."""

_MARK: Final = "\ue000"
"""A character for private use, in a text's place while the template is looked at."""


@dataclass(frozen=True, slots=True)
class Network(TextModel):
    """What is loaded once a process: it reads texts, and called with pictures it sees them."""

    see: Run

    def __call__(self, rows: NDArray[Any]) -> torch.Tensor:
        """(n, bytes) of prepared pictures → (n, d)."""
        return self.see(rows)


class ChatTokeniser:
    """Texts in the user's place of a conversation (towers.texts.Tokeniser)."""

    def __init__(self, bare: HubTokeniser, template: str) -> None:
        self._bare, self._template = bare, template

    def whole(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of whole conversations."""
        return self._bare.whole([self.said({"type": "text", "text": text}) for text in texts])

    def around(self) -> tuple[list[int], list[int]]:
        """The ids of a conversation before the text and behind it."""
        return self._around

    @cached_property
    def _around(self) -> tuple[list[int], list[int]]:
        head, tail = self.said({"type": "text", "text": _MARK}).split(_MARK)
        first, last = self._bare.around()
        ids = self._bare.tokenizer([head, tail], add_special_tokens=False)["input_ids"]
        return [*first, *ids[0]], [*ids[1], *last]

    @property
    def pad(self) -> int:
        """The id that fills rows up; no token sees it."""
        return int(self._bare.tokenizer.pad_token_id)

    def around_picture(self, pad: int) -> tuple[list[int], list[int]]:
        """The ids before a picture's tokens, each of which is ``pad``, and behind them.

        ConfigError where the template does not say one such token for a picture.
        """
        ids = self._bare.whole([self.said({"type": "image"})])[0]
        if ids.count(pad) != 1:
            raise ConfigError(
                f"the chat template has token {pad} (image_token_id) {ids.count(pad)} times for a"
                " picture, not once"
            )
        place = ids.index(pad)
        return ids[:place], ids[place + 1 :]

    def said(self, part: dict[str, str]) -> str:
        """The conversation in which a user says ``part``, up to the answer."""
        told = [
            {"role": "system", "content": [{"type": "text", "text": INSTRUCTION}]},
            {"role": "user", "content": [part]},
        ]
        found: str = self._bare.tokenizer.apply_chat_template(
            told, chat_template=self._template, tokenize=False, add_generation_prompt=True
        )
        return found


def template_of(folder: Folder) -> str:
    """The chat template, from where transformers' processor looks for it first to last."""
    path = folder.path / "chat_template.jinja"
    if path.is_file():
        return path.read_text("utf-8")
    for name in ("chat_template.json", "tokenizer_config.json"):
        if (folder.path / name).is_file():
            found = folder.json(name).get("chat_template")
            if isinstance(found, str):
                return found
    raise ConfigError(f"{folder.path}: holds no chat template (chat_template.jinja or .json)")


def load(folder: Folder, recipe: Recipe, image_token: int, compute: Compute) -> Network:
    """Model and tokeniser of a folder, for texts and pictures."""
    tokeniser = ChatTokeniser(read_tokeniser(folder), template_of(folder))
    around = tokeniser.around_picture(image_token)
    model = read_model(folder, "Qwen3VLModel", compute)
    eyes = Eyes(recipe, image_token, tokeniser.pad, around)
    return Network(
        tokeniser, by_last(model, tokeniser.pad, compute), _seeing(model, eyes, compute)
    )


@dataclass(frozen=True, slots=True)
class Eyes:
    """What the model gets of prepared pictures, but for the normalisation."""

    recipe: Recipe
    image_token: int
    pad: int
    around: tuple[list[int], list[int]]

    def ids(self, rows: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Token ids (n, length), filled up behind, and the mask that is 1 on tokens."""
        before, behind = self.around
        counts = self.recipe.tokens(rows)
        return padded(
            [[*before, *[self.image_token] * count, *behind] for count in counts], self.pad
        )

    def patches(self, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(patches, 3, 1, side, side) of all pictures, one behind the other."""
        return np.concatenate([self.recipe.patches(row) for row in rows])[:, :, None]

    def grids(self, rows: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(n, 3): patches in time, of the height, of the width."""
        return np.array([(1, *self.recipe.grid(row)) for row in rows], dtype=np.int64)


def pixel_values(recipe: Recipe, patches: torch.Tensor) -> torch.Tensor:
    """(patches, 3, 1, side, side) uint8 → what the processor calls ``pixel_values``, float32."""
    import torch  # noqa: PLC0415 - making an encoder loads no torch

    mean, std = (
        (torch.tensor(one, device=patches.device) * 255).view(3, 1, 1, 1)
        for one in (recipe.mean, recipe.std)
    )
    normal = (patches.float() - mean) / std
    return normal.expand(-1, -1, recipe.times, -1, -1).reshape(len(patches), -1)


def _seeing(model: Any, eyes: Eyes, compute: Compute) -> Run:
    """The state of the last token of each conversation about a picture.

    Padding stands behind, as for texts; the mask is for the positions that the model counts.
    """
    import torch  # noqa: PLC0415 - making an encoder loads no torch

    def see(rows: NDArray[np.uint8]) -> torch.Tensor:
        ids, mask = eyes.ids(rows)
        here = compute.device
        with torch.inference_mode():
            hidden = model(
                input_ids=moved(ids, here),
                attention_mask=None if mask.all() else moved(mask, here),
                pixel_values=pixel_values(eyes.recipe, moved(eyes.patches(rows), here)),
                image_grid_thw=moved(eyes.grids(rows), here),
                mm_token_type_ids=moved((ids == eyes.image_token).astype(np.int64), here),
                use_cache=False,
            ).last_hidden_state
            last = moved(mask.sum(axis=1) - 1, here)
            found: torch.Tensor = hidden[torch.arange(len(rows), device=here), last]
            return found

    return see
