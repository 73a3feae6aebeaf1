"""Which parameters learn: low-rank changes of the blocks, or the last blocks themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from torch import Tensor, nn

from mmcore.errors import ConfigError, MissingExtraError
from mmcore.training.finetuning.families import Joint, Tower
from mmcore.training.finetuning.spec import FinetuneSpec


@dataclass(frozen=True, slots=True, eq=False)
class Learning:
    """The parameters that learn, by name; ``merged`` gives the model in its own form."""

    weights: dict[str, nn.Parameter]
    merged: Callable[[], Any]

    def kept(self) -> dict[str, Tensor]:
        """A copy of them as they are now."""
        return {name: one.detach().clone() for name, one in self.weights.items()}

    def restore(self, kept: dict[str, Tensor]) -> None:
        """Set them to what ``kept`` gave."""
        for name, one in self.weights.items():
            one.data.copy_(kept[name])


def learning(joint: Joint, spec: FinetuneSpec) -> Learning:
    """Let the parameters of ``spec.method`` learn, and no other.

    Raises MissingExtraError where lora's library is not installed, ConfigError for an architecture
    whose blocks are not known, or that cannot compute them twice.
    """
    if spec.gradient_checkpointing:
        _checkpoint(joint)
    return _lora(joint, spec) if spec.method == "lora" else _last_blocks(joint, spec)


def _lora(joint: Joint, spec: FinetuneSpec) -> Learning:
    """Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022; by ``peft``.

    On all linear layers of the blocks; those of torch's MultiheadAttention, which computes without
    calling them, are left alone.
    """
    if find_spec("peft") is None:
        raise MissingExtraError("fine-tuning by lora", "finetune")
    from peft import LoraConfig, LoraModel  # noqa: PLC0415 - an extra

    targets = [name for tower in joint.towers for name in _linear(joint, tower)]
    config = LoraConfig(r=spec.rank, lora_alpha=spec.alpha, target_modules=targets, bias="none")
    adapted = LoraModel(joint.model, config, "default")
    weights = {name: one for name, one in adapted.named_parameters() if one.requires_grad}
    return Learning(weights, adapted.merge_and_unload)


def _linear(joint: Joint, tower: Tower) -> Iterator[str]:
    """Names of the linear layers in the blocks of a tower."""
    blocks = _blocks(joint, tower)
    modules = dict(joint.model.named_modules())
    for block in blocks:
        for name, module in modules[block].named_modules(prefix=block):
            above = modules[name.rpartition(".")[0]]
            if isinstance(module, nn.Linear) and not isinstance(above, nn.MultiheadAttention):
                yield name


def _last_blocks(joint: Joint, spec: FinetuneSpec) -> Learning:
    weights: dict[str, nn.Parameter] = {}
    for tower in joint.towers:
        last = tuple(f"{name}." for name in _blocks(joint, tower)[-spec.blocks :])
        for name, one in joint.model.named_parameters():
            if name.startswith(last) or re.match(tower.behind, name):
                weights[name] = one.requires_grad_(True)
    return Learning(weights, lambda: joint.model)


def _blocks(joint: Joint, tower: Tower) -> list[str]:
    """Names of a tower's blocks, in order."""
    names = (name for name, _ in joint.model.named_modules())
    found = [name for name in names if re.fullmatch(tower.blocks, name)]
    if not found:
        raise ConfigError(
            f"{joint.folder.path}: the blocks of this architecture are not known (no module"
            f" {tower.blocks}): it cannot be fine-tuned here"
        )
    return found


def _checkpoint(joint: Joint) -> None:
    model = joint.model
    if hasattr(model, "set_grad_checkpointing"):  # open_clip's
        model.set_grad_checkpointing()
    elif getattr(model, "supports_gradient_checkpointing", False):
        older = "gradient_checkpointing_enable"
        name = "activation_checkpointing_enable"
        getattr(model, name if hasattr(model, name) else older)({"use_reentrant": False})
    else:
        raise ConfigError(
            f"gradient_checkpointing: {type(model).__name__} cannot do it: a smaller batch_size"
            " takes less memory, too"
        )
