"""Sentence encoders in transformers' layout: what their folders say, and how they pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from mmcore.encoders.compute.device import Compute, moved
from mmcore.encoders.towers.texts import Tokens, padded
from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError

if TYPE_CHECKING:
    import torch

READS_NO_MORE: Final = 8192
"""Tokens at once, where a model would take more: attention's memory grows with their square."""

_POOLING: Final = "1_Pooling/config.json"


def check_pooling(folder: Folder, mode: str) -> None:
    """ConfigError where sentence-transformers' files say another pooling than ``mode``.

    They lie beside the weights of most sentence encoders, in two forms: ``pooling_mode`` names
    it, or ``pooling_mode_<name>`` is true. A folder without them is taken at our word.
    """
    if not (folder.path / _POOLING).is_file():
        return
    config = folder.json(_POOLING)
    named = config.get("pooling_mode")
    flagged = [
        name.removeprefix("pooling_mode_").removesuffix("_tokens")
        for name, value in config.items()
        if name.startswith("pooling_mode_") and value is True
    ]
    found = [named] if named else flagged
    if found != [mode]:
        raise ConfigError(
            f"{folder.path / _POOLING}: the vectors are pooled by {found}, this preset does {mode}"
        )


def by_mean(model: Any, pad: int, compute: Compute) -> Tokens:
    """The mean over the tokens, special ones among them; for models that see both ways.

    Rows of equal length need no mask, which spares attention reading one.
    """
    import torch  # noqa: PLC0415 - making an encoder loads no torch

    def run(rows: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, mask = padded(rows, pad)
        with torch.inference_mode():
            here = moved(mask, compute.device)
            hidden = model(
                input_ids=moved(ids, compute.device),
                attention_mask=None if mask.all() else here,
            ).last_hidden_state.float()
            total = (hidden * here.unsqueeze(-1)).sum(dim=1)
            found: torch.Tensor = total / here.sum(dim=1, keepdim=True)
            return found

    return run


def by_last(model: Any, pad: int, compute: Compute) -> Tokens:
    """The last token of each row; for causal models.

    Padding stands behind, where no token sees it: so no mask is needed, and positions count from
    0 as they do alone.
    """
    import torch  # noqa: PLC0415 - making an encoder loads no torch

    def run(rows: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, mask = padded(rows, pad)
        with torch.inference_mode():
            hidden = model(input_ids=moved(ids, compute.device), use_cache=False).last_hidden_state
            last = moved(mask.sum(axis=1) - 1, compute.device)
            found: torch.Tensor = hidden[torch.arange(len(rows), device=compute.device), last]
            return found

    return run
