"""Texts by Qwen3-Embedding (Zhang et al., 2025): a causal model's last token."""

from __future__ import annotations

from typing import Final

from mmcore.encoders.compute.device import Compute
from mmcore.encoders.families.config import config_of, field_of
from mmcore.encoders.families.hub import check_extra, read_model
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.families.sentences import READS_NO_MORE, by_last, check_pooling
from mmcore.encoders.families.tokenisers import read_tokeniser
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.model import Model
from mmcore.encoders.towers.texts import Sides, TextEncoder, TextModel
from mmcore.encoders.weights.folder import Folder, folder_of
from mmcore.encoders.weights.releases import Release
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

VERSION: Final = 1
NAME: Final = "qwen3-embedding"
KIND: Final = "qwen3"

TASK: Final = "Given a web search query, retrieve relevant passages that answer the query"
"""The task that the model's README and its sentence-transformers files name for queries."""

SIDES: Final = Sides(stored="", query=f"Instruct: {TASK}\nQuery:")

PRESET: Final = Preset(
    encoders=(NAME,),
    about="texts by Qwen3-Embedding; for a GPU",
    languages="zh, en and about 100 more",
    releases=(
        Release(
            "hub",
            "Qwen/Qwen3-Embedding-0.6B",
            "Apache-2.0",
            "97b0c614be4d77ee51c0cef4e5f07c00f9eb65b3",
            bytes=1_208_000_000,
            dim=1024,
            sha256={
                "model.safetensors": (
                    "0437e45c94563b09e13cb7a64478fc406947a93cb34a7e05870fc8dcd48e23fd"
                )
            },
        ),
        Release(
            "hub",
            "Qwen/Qwen3-Embedding-4B",
            "Apache-2.0",
            "5cf2132abc99cad020ac570b19d031efec650f2b",
            bytes=8_060_000_000,
            dim=2560,
            sha256={
                "model-00001-of-00002.safetensors": (
                    "e70bfe3c970523fb7ef4eddffed2254ce3f1e7150c3de2af4342de129dd756f8"
                ),
                "model-00002-of-00002.safetensors": (
                    "ed1b87c8e9eb7e535a1a155e4fd00d9f4dba80e58a6db48a4c9f82cede7079c1"
                ),
            },
        ),
        Release(
            "hub",
            "Qwen/Qwen3-Embedding-8B",
            "Apache-2.0",
            "1d8ad4ca9b3dd8059ad90a75d4983776a23d44af",
            bytes=15_150_000_000,
            dim=4096,
        ),
    ),
    extra="hub",
    media="text",
)


def build(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> TextEncoder:
    """The encoder ``qwen3-embedding``: the last token's state, unit length.

    The last token is the ``<|endoftext|>`` that the tokeniser puts behind each text. Queries get
    an instruction before them, stored texts do not: so a query is no stored text's vector.
    """
    check_extra(NAME)
    folder = folder_of(NAME, PRESET.wanted(NAME, runtime), runtime)
    folder.check_vocabulary()
    config = config_of(folder, KIND)
    check_pooling(folder, "lasttoken")
    most = min(READS_NO_MORE, field_of(folder, config, "max_position_embeddings"))
    keys = Keys(NAME, VERSION, folder.digest, segmentation)
    facts = {"sides": [SIDES.stored, SIDES.query], "pooling": "last token", "tokens": most}
    key = keys.key(NAME, Modality.TEXT, field_of(folder, config, "hidden_size"), **facts)
    model = Model(
        keys.model("text"), folder.licence, lambda compute: _load(folder, compute), folder=folder
    )
    return TextEncoder(key, model, runtime, most=most, sides=SIDES)


def _load(folder: Folder, compute: Compute) -> TextModel:
    tokeniser = read_tokeniser(folder)
    end = tokeniser.tokenizer.pad_token_id
    if tokeniser.around() != ([], [end]):
        raise ConfigError(
            f"{folder.path / 'tokenizer.json'}: puts {tokeniser.around()} around a text, not"
            f" <|endoftext|> ({end}) behind it: fetch a newer revision of these weights"
        )
    return TextModel(tokeniser, by_last(read_model(folder, "Qwen3Model", compute), end, compute))
