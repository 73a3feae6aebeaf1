from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from mmcore.encoders.families.e5 import KINDS, PREFIX, PRESET, build
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from tests.made.checkpoints.e5 import TOKENS, make
from tests.made.checkpoints.scaled import SENTENCES

TEXTS = [*SENTENCES, "一", "two boats", ""]
LONG = " ".join(SENTENCES * 3)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A checkpoint of each architecture."""
    root = tmp_path_factory.mktemp("e5")
    return {kind: make(root / kind, kind) for kind in KINDS}


def encoder_of(folder, dtype="float32", **fields):
    """The encoder of a folder, on the CPU."""
    runtime = RuntimeSpec(device="cpu", dtype=dtype, models={"e5": str(folder)}, **fields)
    return build(SegmentationSpec(), runtime)


def reference(folder, texts):
    """What the model card says: transformers' tokeniser and model, the mean over the mask."""
    model = AutoModel.from_pretrained(folder).eval()
    batch = AutoTokenizer.from_pretrained(folder)(
        texts, max_length=512, padding=True, truncation=True, return_tensors="pt"
    )
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    hidden = hidden.masked_fill(~batch["attention_mask"][..., None].bool(), 0.0)
    mean = hidden.sum(dim=1) / batch["attention_mask"].sum(dim=1)[..., None]
    return torch.nn.functional.normalize(mean, p=2, dim=1).numpy()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.9999), ("bfloat16", 0.999)])
def test_vectors_are_those_of_transformers(folders, kind, dtype, least):
    """Alone, in a batch and in another order: the cosine with the library's own in float32."""
    wanted = reference(folders[kind], [PREFIX + text for text in TEXTS])
    encoder = encoder_of(folders[kind], dtype)
    places = np.random.default_rng(0).permutation(len(TEXTS))

    together = encoder.encode(TEXTS)
    alone = np.stack([encoder.encode_query(text) for text in TEXTS])
    shuffled = encoder.encode([TEXTS[place] for place in places])

    assert np.median(wanted @ wanted.T) < 0.95  # else the comparison would prove nothing
    for found in (together, alone, shuffled[np.argsort(places)]):
        assert (found * wanted).sum(axis=1).min() >= least


def test_rows_of_one_length_have_no_mask_and_the_same_vectors(folders):
    """A batch of equally long texts gives each the vector that it has beside longer ones."""
    encoder = encoder_of(folders["bert"])
    texts = ["一只青蛙", "两条船停", "雨中的绿"]

    np.testing.assert_allclose(
        encoder.encode(texts), encoder.encode([*texts, SENTENCES[0]])[:3], atol=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_text_is_the_mean_of_its_windows(folders, kind):
    """More tokens than the positions allow: windows of like length, weighted by their tokens.

    ``passage:`` stands before each of them.
    """
    encoder = encoder_of(folders[kind])
    tokenizer = AutoTokenizer.from_pretrained(folders[kind])
    ids = tokenizer(PREFIX + LONG)["input_ids"]
    prefix = tokenizer(PREFIX.strip())["input_ids"][1:-1]
    model = AutoModel.from_pretrained(folders[kind]).eval()
    assert ids[1 : 1 + len(prefix)] == prefix
    inner = ids[1 + len(prefix) : -1]
    count = -(-len(inner) // (TOKENS - 2 - len(prefix)))
    bounds = [len(inner) * n // count for n in range(count + 1)]
    total = 0
    for start, stop in pairwise(bounds):
        window = [ids[0], *prefix, *inner[start:stop], ids[-1]]
        with torch.inference_mode():
            row = model(input_ids=torch.tensor([window])).last_hidden_state[0].mean(dim=0)
        total = total + len(window) * row / row.norm()

    assert encoder.most == TOKENS
    assert count > 2
    np.testing.assert_allclose(
        encoder.encode([LONG])[0], (total / total.norm()).numpy(), atol=1e-5
    )


def test_a_query_is_embedded_as_a_stored_text(folders):
    """``passage: `` stands before both, which a private lake needs."""
    encoder = encoder_of(folders["bert"])

    assert encoder.asks_as_stored
    np.testing.assert_allclose(
        encoder.encode_queries(TEXTS[:3]), encoder.encode(TEXTS[:3]), atol=1e-6
    )


def test_the_key_is_of_the_weights_wherever_they_lie(folders, tmp_path):
    """A copied folder is the same encoder; other weights, or a longer chunk, are another."""
    copied = shutil.copytree(folders["bert"], tmp_path / "elsewhere")
    key = encoder_of(folders["bert"]).key
    other = encoder_of(make(tmp_path / "other", seed=1)).key
    runtime = RuntimeSpec(device="cpu", models={"e5": str(copied)})

    assert encoder_of(copied, "bfloat16", batch_size=2).key == key
    assert other.fingerprint != key.fingerprint
    assert other.space != key.space
    assert build(SegmentationSpec(text_chars=77), runtime).key.fingerprint != key.fingerprint


def test_weights_that_are_missing_are_told(tmp_path):
    """The sentence says how to fetch them."""
    with pytest.raises(MissingWeightsError, match="mmindex encoders fetch e5"):
        build(SegmentationSpec(), RuntimeSpec(device="cpu", weights=str(tmp_path)))


def test_a_folder_with_a_pickle_alone_is_not_opened(folders, tmp_path):
    """The sentence says how to make safetensors of it."""
    copied = shutil.copytree(folders["bert"], tmp_path / "pickled")
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")

    with pytest.raises(UnsafeWeightsError, match="mmindex encoders convert"):
        encoder_of(copied).encode(["a"])


def test_damaged_weights_are_an_error_of_settings(folders, tmp_path):
    """What the library says of them is one line with the folder; no second try would help."""
    copied = shutil.copytree(folders["bert"], tmp_path / "damaged")
    whole = (copied / "model.safetensors").read_bytes()
    (copied / "model.safetensors").write_bytes(whole[:-100])

    with pytest.raises(ConfigError, match=f"{copied}: cannot be loaded") as caught:
        encoder_of(copied).encode(["a"])

    assert "\n" not in str(caught.value)


def test_a_damaged_tokeniser_is_an_error_of_settings(folders, tmp_path):
    """As damaged weights are."""
    copied = shutil.copytree(folders["bert"], tmp_path / "damaged")
    (copied / "tokenizer.json").write_text('{"version": "1.0"')

    with pytest.raises(ConfigError, match=f"{copied}: cannot be loaded"):
        encoder_of(copied).encode(["a"])


def test_no_other_weights_are_loaded_than_are_hashed(folders, tmp_path):
    """A configuration can name some, and an adapter beside the weights changes them."""
    copied = shutil.copytree(folders["bert"], tmp_path / "named")
    told = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(
        json.dumps({**told, "transformers_weights": "other.safetensors"})
    )
    with pytest.raises(ConfigError, match="transformers_weights"):
        encoder_of(copied).encode(["a"])
    (copied / "config.json").write_text(json.dumps(told))
    (copied / "adapter_config.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"adapter_config\.json: adapters are not loaded"):
        encoder_of(copied).encode(["a"])


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("config.json", "model_type", "roberta"),
        ("config.json", "hidden_size", None),
        ("1_Pooling/config.json", "pooling_mode_cls_token", True),
        ("1_Pooling/config.json", "pooling_mode", "cls"),
    ],
)
def test_what_we_do_not_do_is_refused(folders, tmp_path, name, field, value):
    """Another architecture, or another pooling, is an error that names file and field."""
    copied = shutil.copytree(folders["bert"], tmp_path / "odd")
    told = json.loads((copied / name).read_text())
    (copied / name).write_text(json.dumps({**told, field: value}))

    with pytest.raises(ConfigError, match=name) as raised:
        encoder_of(copied)
    assert field in str(raised.value) or "cls" in str(raised.value)


def test_making_one_loads_no_library(folders):
    """Neither torch nor transformers."""
    code = (
        "import sys\n"
        "from mmcore.encoders.presets import encoders_of\n"
        "from mmcore.specs import RuntimeSpec, SegmentationSpec\n"
        f"for e in encoders_of('e5:{folders['bert']}', SegmentationSpec(), RuntimeSpec()): e.key\n"
        "assert not {'torch', 'transformers', 'tokenizers'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_releases_have_dimensions_and_whole_revisions():
    """40 hexadecimal digits, or none; the smallest model first."""
    assert [one.dim for one in PRESET.releases] == [384, 768, 1024]
    for one in PRESET.releases:
        assert not one.revision or (len(one.revision) == 40 and int(one.revision, 16))
