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

from mmcore.encoders.families.qwen3 import PRESET, TASK, build
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from tests.made.checkpoints.qwen3_embedding import TOKENS, TURN, bpe_tokenizer, make
from tests.made.checkpoints.scaled import SENTENCES

NAME = "qwen3-embedding"
TEXTS = [*SENTENCES, "一", "two boats", ""]
QUERY = f"Instruct: {TASK}\nQuery:"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint."""
    return make(tmp_path_factory.mktemp("qwen3") / "one")


def changed(folder, name, **fields):
    """A JSON file of the folder, with other fields."""
    told = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps({**told, **fields}))
    return folder


def encoder_of(folder, dtype="float32", **fields):
    """The encoder of a folder, on the CPU."""
    runtime = RuntimeSpec(device="cpu", dtype=dtype, models={NAME: str(folder)}, **fields)
    return build(SegmentationSpec(), runtime)


def reference(folder, texts):
    """What the README says: padded on the left, the state of the last token."""
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModel.from_pretrained(folder).eval()
    batch = tokenizer(texts, padding=True, truncation=True, max_length=8192, return_tensors="pt")
    with torch.inference_mode():
        last = model(**batch).last_hidden_state[:, -1]
    return torch.nn.functional.normalize(last, p=2, dim=1).numpy()


@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.9999), ("bfloat16", 0.999)])
def test_vectors_are_those_of_transformers(folder, dtype, least):
    """Alone, in a batch and in another order: the cosine with the library's own in float32."""
    wanted = reference(folder, TEXTS)
    encoder = encoder_of(folder, dtype)
    places = np.random.default_rng(0).permutation(len(TEXTS))

    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    shuffled = encoder.encode([TEXTS[place] for place in places])

    assert np.median(wanted @ wanted.T) < 0.95  # else the comparison would prove nothing
    for found in (together, alone, shuffled[np.argsort(places)]):
        assert (found * wanted).sum(axis=1).min() >= least


def test_queries_have_the_instruction_of_the_readme(folder):
    """``Instruct: …`` and ``Query:`` before the text, without a blank; texts have nothing."""
    encoder = encoder_of(folder)
    wanted = reference(folder, [QUERY + text for text in TEXTS])

    assert not encoder.asks_as_stored
    assert (encoder.encode_queries(TEXTS) * wanted).sum(axis=1).min() >= 0.9999
    assert (encoder.encode_query(TEXTS[0]) * encoder.encode(TEXTS[:1])[0]).sum() < 0.99


def test_a_long_text_is_the_mean_of_its_windows(folder):
    """Each window ends with the token that is pooled; none is longer than the positions."""
    encoder = encoder_of(folder)
    text = "".join(SENTENCES * 8)
    ids = AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    model = AutoModel.from_pretrained(folder).eval()
    inner, end = ids[:-1], ids[-1]
    count = -(-len(inner) // (TOKENS - 1))
    bounds = [len(inner) * n // count for n in range(count + 1)]
    total = 0
    for start, stop in pairwise(bounds):
        window = [*inner[start:stop], end]
        with torch.inference_mode():
            row = model(input_ids=torch.tensor([window])).last_hidden_state[0, -1]
        total = total + len(window) * row / row.norm()

    assert encoder.most == TOKENS
    assert count > 2
    np.testing.assert_allclose(
        encoder.encode([text])[0], (total / total.norm()).numpy(), atol=1e-5
    )


@pytest.mark.parametrize("start", ["", "a"])
def test_a_long_query_has_the_instruction_before_each_window(folder, start):
    """The first window is the tokeniser's own; the others begin with the instruction alone."""
    encoder = encoder_of(folder)
    text = start + "".join(SENTENCES * 8)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids, prefix = (tokenizer(one)["input_ids"][:-1] for one in (QUERY + text, QUERY))
    model = AutoModel.from_pretrained(folder).eval()
    shared = next(n for n in range(len(prefix) + 1) if prefix[n:] == [] or prefix[n] != ids[n])
    inner, end = ids[shared:], tokenizer.pad_token_id
    count = -(-len(inner) // (TOKENS - 1 - len(prefix)))
    bounds = [len(inner) * n // count for n in range(count + 1)]
    total = 0
    for place, (one, other) in enumerate(pairwise(bounds)):
        window = [*(prefix if place else ids[:shared]), *inner[one:other], end]
        with torch.inference_mode():
            row = model(input_ids=torch.tensor([window])).last_hidden_state[0, -1]
        total = total + len(window) * row / row.norm()

    assert count > 2
    np.testing.assert_allclose(
        encoder.encode_query(text), (total / total.norm()).numpy(), atol=1e-5
    )


def test_long_positions_are_capped(folder, tmp_path):
    """A model of 32,768 positions reads 8,192 tokens at once."""
    copied = shutil.copytree(folder, tmp_path / "long")

    assert encoder_of(changed(copied, "config.json", max_position_embeddings=32768)).most == 8192


def test_a_tokeniser_that_ends_nothing_is_refused(folder, tmp_path):
    """An early revision's, which leaves the pooled token to the caller."""
    copied = shutil.copytree(folder, tmp_path / "early")
    bpe_tokenizer(TURN, ends=False).save_pretrained(copied)

    with pytest.raises(ConfigError, match=r"tokenizer\.json.*newer revision"):
        encoder_of(copied).encode(["a"])


def test_the_key_is_of_the_weights_wherever_they_lie(folder, tmp_path):
    """A copied folder is the same encoder; other weights are another."""
    copied = shutil.copytree(folder, tmp_path / "elsewhere")
    key = encoder_of(folder).key

    assert encoder_of(copied, "bfloat16", batch_size=2).key == key
    other = encoder_of(make(tmp_path / "other", seed=1)).key
    assert (other.fingerprint, other.space) != (key.fingerprint, key.space)


def test_weights_that_are_missing_are_told(tmp_path):
    """The sentence says how to fetch them."""
    with pytest.raises(MissingWeightsError, match=f"mmindex encoders fetch {NAME}"):
        build(SegmentationSpec(), RuntimeSpec(device="cpu", weights=str(tmp_path)))


def test_a_folder_with_a_pickle_alone_is_not_opened(folder, tmp_path):
    """The sentence says how to make safetensors of it."""
    copied = shutil.copytree(folder, tmp_path / "pickled")
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")

    with pytest.raises(UnsafeWeightsError, match="mmindex encoders convert"):
        encoder_of(copied).encode(["a"])


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("config.json", "model_type", "qwen2"),
        ("config.json", "max_position_embeddings", "many"),
        ("1_Pooling/config.json", "pooling_mode_mean_tokens", True),
    ],
)
def test_what_we_do_not_do_is_refused(folder, tmp_path, name, field, value):
    """Another architecture, or another pooling, is an error that names the file."""
    copied = changed(shutil.copytree(folder, tmp_path / "odd"), name, **{field: value})

    with pytest.raises(ConfigError, match=name):
        encoder_of(copied)


def test_making_one_loads_no_library(folder):
    """Neither torch nor transformers."""
    code = (
        "import sys\n"
        "from mmcore.encoders.presets import encoders_of\n"
        "from mmcore.specs import RuntimeSpec, SegmentationSpec\n"
        f"for e in encoders_of('{NAME}:{folder}', SegmentationSpec(), RuntimeSpec()): e.key\n"
        "assert not {'torch', 'transformers', 'tokenizers'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_releases_have_dimensions_and_whole_revisions():
    """40 hexadecimal digits, or none; the smallest model first."""
    assert [one.dim for one in PRESET.releases] == [1024, 2560, 4096]
    for one in PRESET.releases:
        assert not one.revision or (len(one.revision) == 40 and int(one.revision, 16))
