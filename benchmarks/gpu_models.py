"""Random checkpoints of published shapes, inputs for them, and each model in a bare loop.

How fast a model is does not depend on what it has learnt. The bare loops call the model's own
library (transformers, open_clip), and nothing of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks import throughput_data as data

Inputs = Any  # prepared arrays (n, *shape), or a list of texts
Bare = Callable[[Any], Any]
"""A batch on the device → (n, d): normalisation, model, pooling."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A model of one preset.

    ``make`` writes a checkpoint, ``bare`` opens it: folder, device, dtype → a bare loop's step.
    """

    preset: str
    encoder: str
    make: Callable[[Path], Path]
    bare: Callable[[Path, str, Any], Bare]


def corpus(count: int) -> list[str]:
    """Texts in Chinese and English, cut out of this project's documentation."""
    return data.texts([*sorted(Path("docs").glob("*.md")), *sorted(Path().glob("*.md"))], count)


def inputs_of(encoder: Any, count: int, seed: int = 0) -> Inputs:
    """What ``encoder`` takes: texts, noise of eight bits, or decibels."""
    if encoder.shape is None:
        return corpus(count)
    rng = np.random.default_rng(seed)
    if encoder.dtype == "uint8":
        return rng.integers(0, 256, (count, *encoder.shape), dtype=np.uint8)
    found: NDArray[np.float32] = rng.standard_normal((count, *encoder.shape), dtype=np.float32)
    return found * 15 - 35


def _save_tokeniser(folder: Path, words: int, **options: Any) -> None:
    """Pieces of ``corpus``, filled up to ``words`` with ones that no text has."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    size = min(8000, max(200, words - 10))
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(corpus(2000), trainer)
    pieces = json.loads(tokenizer.to_str())["model"]["vocab"]
    pieces += [[f"\ue000{number}", -99.0] for number in range(words - len(pieces))]
    tokenizer.model = models.Unigram([tuple(piece) for piece in pieces], unk_id=3)
    ends = [(word, tokenizer.token_to_id(word)) for word in ("<s>", "</s>")]
    tokenizer.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    names = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    names |= {"unk_token": "<unk>", "pad_token": "<pad>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names, **options).save_pretrained(folder)


def siglip2(folder: Path, sizes: Mapping[str, int], side: int, words: int = 256_000) -> Path:
    """A SigLIP 2 of fixed resolution; ``sizes`` of both towers, by transformers' names."""
    import torch
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel

    if (folder / "model.safetensors").exists():
        return folder
    torch.manual_seed(0)
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    text = {**sizes, **ids, "vocab_size": words, "max_position_embeddings": 64}
    vision = {**sizes, "image_size": side, "patch_size": 16}
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):  # there it takes no time
        model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    model.save_pretrained(folder)
    half = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}
    SiglipImageProcessor(size={"height": side, "width": side}, **half).save_pretrained(folder)
    _save_tokeniser(folder, words, model_max_length=64, model_input_names=["input_ids"])
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n", "utf-8")
    return folder


def bare_siglip2(folder: Path, device: str, dtype: Any) -> Bare:
    """Transformers' vision tower."""
    from transformers import SiglipVisionModel

    model = SiglipVisionModel.from_pretrained(folder, dtype=dtype).to(device).eval()

    def run(pixels: Any) -> Any:
        shaped = pixels.permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.5)
        return model(shaped.to(dtype)).pooler_output

    return run


def openclip(folder: Path, architecture: str) -> Path:
    """A model of open_clip."""
    data.openclip_weights(folder, architecture)
    (folder / "state.pt").unlink(missing_ok=True)
    return folder


def bare_openclip(folder: Path, device: str, dtype: Any) -> Bare:
    """open_clip's image tower."""
    import open_clip
    import torch
    from safetensors.torch import load_file

    config = json.loads((folder / "open_clip_config.json").read_text("utf-8"))
    model = open_clip.CLIP(**config["model_cfg"])
    model.load_state_dict(load_file(folder / "open_clip_model.safetensors"))
    model = model.to(device, dtype).eval()
    told = config["preprocess_cfg"]
    mean, std = (torch.tensor(told[k], device=device).view(3, 1, 1) for k in ("mean", "std"))

    def run(pixels: Any) -> Any:
        shaped = pixels.permute(0, 3, 1, 2).float().div(255).sub(mean).div(std)
        return model.encode_image(shaped.to(dtype))

    return run


def clap(folder: Path, **sizes: Any) -> Path:
    """A CLAP; without ``sizes`` of clap-htsat-unfused's."""
    import torch
    from transformers import ClapAudioConfig, ClapConfig, ClapFeatureExtractor, ClapModel

    if (folder / "model.safetensors").exists():
        return folder
    torch.manual_seed(0)
    model = ClapModel(ClapConfig(audio_config=ClapAudioConfig(**sizes)))
    norm = model.audio_model.audio_encoder.batch_norm  # decibels of real sounds
    norm.running_mean.normal_(-35, 5)
    norm.running_var.fill_(350.0)
    model.save_pretrained(folder)
    told: dict[str, Any] = {"truncation": "rand_trunc", "padding": "repeatpad"}
    ClapFeatureExtractor(**told, frequency_min=50, frequency_max=14_000).save_pretrained(folder)
    return folder


def bare_clap(folder: Path, device: str, dtype: Any) -> Bare:
    """Transformers' sound tower."""
    import torch
    from transformers import ClapAudioModelWithProjection

    made = ClapAudioModelWithProjection.from_pretrained(folder, dtype=dtype)
    model = made.to(device).eval()

    def run(mel: Any) -> Any:
        cuts = mel.flatten(0, 1)[:, None].to(dtype)
        none = torch.zeros((len(cuts), 1), dtype=torch.bool, device=device)
        return model(cuts, none).audio_embeds.view(*mel.shape[:2], -1).mean(dim=1)

    return run


def e5(folder: Path, kind: str, sizes: Mapping[str, int], words: int = 250_037) -> Path:
    """A multilingual E5: a BERT (small) or an XLM-RoBERTa (the larger two; bge-m3's too)."""
    import torch
    from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

    if (folder / "model.safetensors").exists():
        return folder
    torch.manual_seed(0)
    shared: dict[str, Any] = {**sizes, "vocab_size": words, "pad_token_id": 1}
    if kind == "bert":
        model: Any = BertModel(BertConfig(**shared))
    else:
        shared |= {"max_position_embeddings": 514, "type_vocab_size": 1}
        model = XLMRobertaModel(XLMRobertaConfig(**shared))
    model.save_pretrained(folder)
    _save_tokeniser(folder, words, model_max_length=512)
    return folder


def bare_e5(folder: Path, device: str, dtype: Any) -> Bare:
    """Transformers' model and the mean over tokens; a batch is (ids, mask)."""
    from transformers import AutoModel

    made = AutoModel.from_pretrained(folder, dtype=dtype, add_pooling_layer=False)
    model = made.to(device).eval()

    def run(batch: Any) -> Any:
        ids, mask = batch
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        return (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)

    return run


@cache
def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def token_batches(folder: Path, texts: Sequence[str], most: int) -> list[Any]:
    """(ids, mask) of batches of at most ``most`` tokens, padded, the longest first; NumPy."""
    tokenizer = _tokenizer(folder)
    rows = tokenizer([f"passage: {text}" for text in texts])["input_ids"]
    rows = sorted((row[:512] for row in rows), key=len, reverse=True)
    found, start = [], 0
    while start < len(rows):
        part = rows[start : start + max(1, most // len(rows[start]))]
        ids = np.full((len(part), len(part[0])), tokenizer.pad_token_id, dtype=np.int64)
        for place, row in enumerate(part):
            ids[place, : len(row)] = row
        lengths = np.array([len(row) for row in part])
        found.append((ids, (np.arange(ids.shape[1]) < lengths[:, None]).astype(np.int64)))
        start += len(part)
    return found


def _sizes(hidden: int, inner: int, layers: int, heads: int) -> dict[str, int]:
    return {
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
    }


BASE: Final = _sizes(768, 3072, 12, 12)
SO400M: Final = _sizes(1152, 4304, 27, 16)
LARGE: Final = _sizes(1024, 4096, 24, 16)
SMALL: Final = _sizes(384, 1536, 12, 12)
TINY: Final = _sizes(48, 96, 2, 2)

SHAPES: Final[Mapping[str, Shape]] = {
    "vit-b-32": Shape("clip", "clip-image", lambda f: openclip(f, "ViT-B-32"), bare_openclip),
    "vit-l-14": Shape("clip", "clip-image", lambda f: openclip(f, "ViT-L-14"), bare_openclip),
    "siglip2-base-224": Shape(
        "siglip2", "siglip2-image", lambda f: siglip2(f, BASE, 224), bare_siglip2
    ),
    "siglip2-so400m-384": Shape(
        "siglip2", "siglip2-image", lambda f: siglip2(f, SO400M, 384), bare_siglip2
    ),
    "clap": Shape("clap", "clap-audio", clap, bare_clap),
    "e5-small": Shape("e5", "e5", lambda f: e5(f, "bert", SMALL), bare_e5),
    "e5-large": Shape("e5", "e5", lambda f: e5(f, "xlm-roberta", LARGE), bare_e5),
    "tiny-siglip2": Shape(
        "siglip2", "siglip2-image", lambda f: siglip2(f, TINY, 32, 1200), bare_siglip2
    ),
    "tiny-e5": Shape("e5", "e5", lambda f: e5(f, "bert", TINY, 1200), bare_e5),
}
"""By name; the tiny ones are for trying the benchmark itself."""
