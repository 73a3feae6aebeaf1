"""Texts by multilingual E5 (Wang et al., 2024), in its three sizes; Chinese, English and more."""

from __future__ import annotations

from typing import Any, Final

from mmcore.encoders.compute.device import Compute
from mmcore.encoders.families.config import config_of, field_of
from mmcore.encoders.families.hub import check_extra, read_model
from mmcore.encoders.families.keys import Keys
from mmcore.encoders.families.sentences import by_mean, check_pooling
from mmcore.encoders.families.tokenisers import read_tokeniser
from mmcore.encoders.presets import Preset
from mmcore.encoders.towers.model import Model
from mmcore.encoders.towers.texts import Sides, TextEncoder, TextModel
from mmcore.encoders.weights.folder import Folder, folder_of
from mmcore.encoders.weights.releases import Release
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

VERSION: Final = 1
FASTEST: Final = 16
"""Texts of 64 tokens in a batch on a CPU: with 32 of them a text takes a sixth longer."""

NAME: Final = "e5"
PREFIX: Final = "passage: "
SAFETENSORS: Final = "model.safetensors"
TOKENS: Final = 512
"""What E5 was trained on; more than that are windows."""

KINDS: Final = {"bert": "BertModel", "xlm-roberta": "XLMRobertaModel"}
"""``model_type`` → class: the small size is a BERT, the larger two are XLM-RoBERTa."""

SPARE: Final = {"bert": 0, "xlm-roberta": 2}
"""Positions that the architecture keeps for itself."""

PRESET: Final = Preset(
    encoders=(NAME,),
    about="texts by multilingual E5",
    languages="zh, en and about 90 more",
    releases=(
        Release(
            "hub",
            "intfloat/multilingual-e5-small",
            "MIT",
            "614241f622f53c4eeff9890bdc4f31cfecc418b3",
            bytes=493_000_000,
            dim=384,
            sha256={
                SAFETENSORS: "1a55775f53449dac10a2bcbc312469fac40b96d53198c407081a831f81c98477"
            },
        ),
        Release(
            "hub",
            "intfloat/multilingual-e5-base",
            "MIT",
            "d128750597153bb5987e10b1c3493a34e5a4502a",
            bytes=1_135_000_000,
            dim=768,
            sha256={
                SAFETENSORS: "a18a44fad1d0b46ded15928144138cff1135d5cc8233bdd90be5f18822de09a7"
            },
        ),
        Release(
            "hub",
            "intfloat/multilingual-e5-large",
            "MIT",
            "ab10c1a7f42e74530fe7ae5be82e6d4f11a719eb",
            bytes=2_262_000_000,
            dim=1024,
        ),
    ),
    extra="hub",
    media="text",
)


def build(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> TextEncoder:
    """The encoder ``e5``: the mean over the tokens of ``passage: …``, unit length.

    E5 has two sides, ``query: `` and ``passage: ``, for questions and what answers them, and its
    authors put one of them on both sides where a task is symmetric. What is searched here are
    captions: ``passage: `` on both sides is the better one of the two, as measured for the preset
    ``embedded`` (embedded_text.py). A query is then a stored text's vector, which a private lake
    is asked with.
    """
    check_extra(NAME)
    folder = folder_of(NAME, PRESET.wanted(NAME, runtime), runtime)
    folder.check_vocabulary()
    config = config_of(folder, *KINDS)
    check_pooling(folder, "mean")
    kind, most = _architecture(folder, config)
    keys = Keys(NAME, VERSION, folder.digest, segmentation)
    dim, facts = field_of(folder, config, "hidden_size"), {"prefix": PREFIX, "pooling": "mean"}
    key = keys.key(NAME, Modality.TEXT, dim, tokens=most, **facts)

    def load(compute: Compute) -> TextModel:
        tokeniser = read_tokeniser(folder)
        model = read_model(folder, kind, compute)
        return TextModel(tokeniser, by_mean(model, tokeniser.tokenizer.pad_token_id, compute))

    model = Model(keys.model("text"), folder.licence, load, FASTEST, folder)
    return TextEncoder(key, model, runtime, most=most, sides=Sides(PREFIX, PREFIX))


def _architecture(folder: Folder, config: dict[str, Any]) -> tuple[str, int]:
    """The class of transformers, and the tokens that it takes at once."""
    kind = config["model_type"]
    places = field_of(folder, config, "max_position_embeddings")
    return KINDS[kind], min(TOKENS, places - SPARE[kind])
