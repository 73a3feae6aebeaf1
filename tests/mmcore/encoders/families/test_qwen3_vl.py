from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor, AutoTokenizer
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

from mmcore.encoders.families.qwen3_vl import (
    ENCODERS,
    NAME,
    PRESET,
    build_frames,
    build_image,
    build_text,
)
from mmcore.encoders.families.qwen3_vl_model import Eyes, pixel_values
from mmcore.encoders.families.qwen3_vl_pictures import MAX_PIXELS, MIN_PIXELS, Recipe
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality
from tests.made import images
from tests.made.checkpoints.qwen3_embedding import END
from tests.made.checkpoints.qwen3_vl_embedding import SPECIAL, TOKENS, bpe_tokenizer, make
from tests.made.checkpoints.scaled import SENTENCES

TEXTS = [*SENTENCES, "一", "two boats", "", "\n two lines"]
INSTRUCTION = "Represent the user's input."
MEDIA = Path(__file__).parents[4] / "examples" / "media"


def pictures():
    """Photographs, and noise of odd sizes: small, large and thin."""
    found = [Image.open(path).convert("RGB") for path in sorted(MEDIA.rglob("*.jpg"))[:2]]
    return [*found, images.noisy(37, 61), images.noisy(701, 645, 1), images.noisy(1201, 24, 2)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint."""
    return make(tmp_path_factory.mktemp("qwen3-vl") / "one")


@pytest.fixture(scope="module")
def library(folder):
    """The library's own processor and model of that folder."""
    processor = AutoProcessor.from_pretrained(folder, padding_side="right")
    return processor, AutoModel.from_pretrained(folder).eval()


def encoder_of(build, folder, dtype="float32", **fields):
    """An encoder of a folder, on the CPU."""
    runtime = RuntimeSpec(device="cpu", dtype=dtype, models={NAME: str(folder)}, **fields)
    return build(SegmentationSpec(), runtime)


def reference(library, parts, shown=None, **options):
    """What the model's own embedding code does, a batch of user's messages at once."""
    processor, model = library
    told = [
        [
            {"role": "system", "content": [{"type": "text", "text": INSTRUCTION}]},
            {"role": "user", "content": [part]},
        ]
        for part in parts
    ]
    text = processor.apply_chat_template(told, add_generation_prompt=True, tokenize=False)
    batch = processor(text=text, images=shown, padding=True, return_tensors="pt", **options)
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    last = batch["attention_mask"].sum(dim=1) - 1
    found = hidden[torch.arange(len(parts)), last]
    return torch.nn.functional.normalize(found, p=2, dim=-1).numpy()


def seen(library, shown):
    """Of pictures that Pillow resizes, as that code does."""
    sizes = [smart_resize(one.height, one.width, 32, MIN_PIXELS, MAX_PIXELS) for one in shown]
    shown = [
        one.resize((width, height)) for one, (height, width) in zip(shown, sizes, strict=True)
    ]
    parts = [{"type": "image", "image": one} for one in shown]
    return reference(library, parts, shown, do_resize=False)


@pytest.fixture(scope="module")
def wanted(library):
    """The library's vectors of the pictures."""
    return seen(library, pictures())


def orders(encoder, inputs, alone):
    """Vectors of inputs together, each alone, and in another order."""
    inputs = np.asarray(inputs)
    places = np.random.default_rng(0).permutation(len(inputs))
    together, shuffled = (encoder.encode(one) for one in (inputs, inputs[places]))
    return together, np.stack([*map(alone, inputs)]), shuffled[np.argsort(places)]


@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.9999), ("bfloat16", 0.999)])
def test_texts_are_those_of_the_library(folder, library, dtype, least):
    """Alone, in a batch and in another order: the cosine with the library's own in float32."""
    wanted = reference(library, [{"type": "text", "text": text} for text in TEXTS])
    encoder = encoder_of(build_text, folder, dtype)

    assert np.median(wanted @ wanted.T) < 0.95  # else the comparison would prove nothing
    for found in orders(encoder, TEXTS, lambda text: encoder.encode_query(str(text))):
        assert (found * wanted).sum(axis=1).min() >= least


@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.9999), ("bfloat16", 0.999)])
def test_pictures_are_those_of_the_library(folder, wanted, dtype, least):
    """Pictures of many sizes, resized as the model's own code does it."""
    encoder = encoder_of(build_image, folder, dtype)
    rows = np.stack([encoder.prepare(one) for one in pictures()])

    assert np.median(wanted @ wanted.T) < 0.95
    together, alone, shuffled = orders(encoder, rows, lambda row: encoder.encode(row[None])[0])
    for found in (together, alone, shuffled):
        assert (found * wanted).sum(axis=1).min() >= least


def test_frames_and_asked_pictures_are_embedded_as_pictures(folder, wanted):
    """A frame of a video, or a query's picture, has the vector of a stored picture."""
    image, frames = encoder_of(build_image, folder), encoder_of(build_frames, folder)
    shown = pictures()[3:4]

    found = frames.encode(np.stack([frames.prepare(one) for one in shown]))

    assert (found * wanted[3:4]).sum(axis=1).min() >= 0.9999
    np.testing.assert_allclose(image.encode_query(shown[0]), found[0], atol=1e-5)


def test_the_processors_own_resizing_is_as_good(folder, library):
    """It resizes a little differently, by torchvision; with our bounds the vectors stay close."""
    parts = [{"type": "image", "image": one} for one in pictures()]
    bounds = {"shortest_edge": MIN_PIXELS, "longest_edge": MAX_PIXELS}
    wanted = reference(library, parts, pictures(), size=bounds)
    encoder = encoder_of(build_image, folder)

    found = encoder.encode(np.stack([encoder.prepare(one) for one in pictures()]))

    assert (found * wanted).sum(axis=1).min() >= 0.999


def test_pixels_and_grids_are_exactly_the_processors(folder, library):
    """What the model is given is what the library's processor makes of the same pixels."""
    encoder = encoder_of(build_image, folder)
    rows = np.stack([encoder.prepare(one) for one in pictures()])
    sizes = [smart_resize(one.height, one.width, 32, MIN_PIXELS, MAX_PIXELS) for one in pictures()]
    shown = [one.resize(size[::-1]) for one, size in zip(pictures(), sizes, strict=True)]
    wanted = library[0].image_processor(shown, do_resize=False, return_tensors="pt")
    eyes = Eyes(encoder.recipe, 0, 0, ([], []))

    found = pixel_values(encoder.recipe, torch.from_numpy(eyes.patches(rows)))

    assert torch.equal(found, wanted["pixel_values"])
    np.testing.assert_array_equal(eyes.grids(rows), wanted["image_grid_thw"])


def test_sizes_are_those_of_smart_resize():
    """Whatever the size, up to 1:200; each fits into a prepared row."""
    recipe = Recipe(16, 2, 2, (0.5,) * 3, (0.5,) * 3)
    dice = np.random.default_rng(3)
    for height, width in np.exp(dice.uniform(0, np.log(9000), (3000, 2))).astype(int).tolist():
        found = recipe.size_of(height, width)
        assert 3 * found[0] * found[1] <= recipe.shape[0] - 4
        assert [side % 32 for side in found] == [0, 0]
        if max(height, width) / min(height, width) <= 200:
            assert found == smart_resize(height, width, 32, MIN_PIXELS, MAX_PIXELS)


def test_a_picture_thinner_than_the_library_takes_is_squashed(folder):
    """1 x 3000 pixels are no error, and one row like any other."""
    encoder = encoder_of(build_image, folder)

    row = encoder.prepare(images.noisy(3000, 1))

    assert row.shape == encoder.shape
    assert row[:4].tolist() == [0, 32, *divmod(928, 256)]
    assert encoder.encode(row[None]).shape == (1, 256)


def test_a_long_text_is_the_mean_of_its_windows(folder, library):
    """Each window stands in a conversation of its own."""
    text = "".join(SENTENCES * 8)
    encoder = encoder_of(build_text, folder)
    tokenizer, model = library[0].tokenizer, library[1]
    head = f"<|im_start|>system\n{INSTRUCTION}<|im_end|>\n<|im_start|>user\n"
    tail = "<|im_end|>\n<|im_start|>assistant\n"
    before, inner, behind = (tokenizer(one)["input_ids"] for one in (head, text, tail))
    count = -(-len(inner) // (TOKENS - len(before) - len(behind)))
    bounds = [len(inner) * n // count for n in range(count + 1)]
    total = 0
    for start, stop in pairwise(bounds):
        window = [*before, *inner[start:stop], *behind]
        with torch.inference_mode():
            row = model(input_ids=torch.tensor([window])).last_hidden_state[0, -1]
        total = total + len(window) * row / row.norm()

    assert count > 2
    np.testing.assert_allclose(
        encoder.encode([text])[0], (total / total.norm()).numpy(), atol=1e-5
    )


def test_a_tokeniser_that_ends_texts_is_followed(folder, tmp_path):
    """Where ``<|endoftext|>`` is put behind everything, that token is pooled."""
    ending = shutil.copytree(folder, tmp_path / "ending")
    bpe_tokenizer(SPECIAL, ends=True).save_pretrained(ending)
    processor = AutoProcessor.from_pretrained(ending, padding_side="right")
    theirs = (processor, AutoModel.from_pretrained(ending).eval())
    assert processor.tokenizer("a")["input_ids"][-1] == processor.tokenizer.convert_tokens_to_ids(
        END
    )
    wanted = reference(theirs, [{"type": "text", "text": text} for text in TEXTS])
    image = encoder_of(build_image, ending)

    found = encoder_of(build_text, ending).encode(TEXTS)
    rows = np.stack([image.prepare(one) for one in pictures()])

    assert (found * wanted).sum(axis=1).min() >= 0.9999
    assert (image.encode(rows) * seen(theirs, pictures())).sum(axis=1).min() >= 0.9999


def test_all_encoders_share_one_space_and_one_model(folder):
    """A text, a picture and a frame are compared; a query is embedded as a stored text."""
    text, image, frames = (
        encoder_of(build, folder) for build in (build_text, build_image, build_frames)
    )

    assert len({one.key.space for one in (text, image, frames)}) == 1
    assert len({one.key.fingerprint for one in (text, image, frames)}) == 3
    assert [one.key.name for one in (text, image, frames)] == list(ENCODERS.values())
    assert frames.key.reads == (Modality.VIDEO,)
    assert text.asks_as_stored
    assert text._model.on(text._compute, text._runtime) is image._model.on(
        image._compute, image._runtime
    )


def test_the_key_is_of_the_weights_wherever_they_lie(folder, tmp_path):
    """A copied folder is the same encoder; other weights are another."""
    copied = shutil.copytree(folder, tmp_path / "elsewhere")
    other = make(tmp_path / "other", seed=1)
    for build in (build_text, build_image):
        key = encoder_of(build, folder).key
        assert encoder_of(build, copied, "bfloat16", batch_size=2).key == key
        assert encoder_of(build, other).key.fingerprint != key.fingerprint


def test_weights_that_are_missing_are_told(tmp_path):
    """The sentence says how to fetch them."""
    with pytest.raises(MissingWeightsError, match=f"mmindex encoders fetch {NAME}"):
        build_image(SegmentationSpec(), RuntimeSpec(device="cpu", weights=str(tmp_path)))


def test_a_folder_with_a_pickle_alone_is_not_opened(folder, tmp_path):
    """The sentence says how to make safetensors of it."""
    copied = shutil.copytree(folder, tmp_path / "pickled")
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")

    with pytest.raises(UnsafeWeightsError, match="mmindex encoders convert"):
        encoder_of(build_text, copied).encode(["a"])


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("config.json", "model_type", "qwen2_5_vl"),
        ("config.json", "vision_config", None),
        ("config.json", "image_token_id", "<|image_pad|>"),
        ("preprocessor_config.json", "do_resize", False),
        ("preprocessor_config.json", "image_processor_type", "CLIPImageProcessor"),
        ("preprocessor_config.json", "patch_size", 14),
        ("preprocessor_config.json", "resample", 0),
        ("preprocessor_config.json", "rescale_factor", 1.0),
        ("preprocessor_config.json", "image_mean", [0.5]),
    ],
)
def test_what_we_do_not_do_is_refused(folder, tmp_path, name, field, value):
    """An error that names the file and the field."""
    copied = shutil.copytree(folder, tmp_path / "odd")
    told = json.loads((copied / name).read_text())
    (copied / name).write_text(json.dumps({**told, field: value}))

    with pytest.raises(ConfigError, match=f"{name}.*{field}"):
        encoder_of(build_image, copied)


def test_a_template_without_pictures_is_refused(folder, tmp_path):
    """The chat template of a model that reads only texts."""
    copied = shutil.copytree(folder, tmp_path / "blind")
    (copied / "chat_template.jinja").write_text("{{ messages[1].content[0].text }}")

    with pytest.raises(ConfigError, match="image_token_id"):
        encoder_of(build_text, copied).encode(["a"])


def test_a_folder_without_a_template_is_refused(folder, tmp_path):
    """It is not said what stands around an input."""
    copied = shutil.copytree(folder, tmp_path / "mute")
    (copied / "chat_template.json").unlink()

    with pytest.raises(ConfigError, match="chat template"):
        encoder_of(build_text, copied).encode(["a"])


def test_making_them_loads_no_library(folder):
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
    """40 hexadecimal digits; the smaller model first."""
    assert [one.dim for one in PRESET.releases] == [2048, 4096]
    assert all(len(one.revision) == 40 and int(one.revision, 16) for one in PRESET.releases)


def test_the_tokeniser_reads_the_conversation(folder):
    """The fixture's tokeniser has one token for each special word, as Qwen's has."""
    ids = AutoTokenizer.from_pretrained(folder)("".join(SPECIAL))["input_ids"]

    assert len(ids) == len(SPECIAL)


def test_the_chat_template_is_of_the_fingerprint(folder, tmp_path):
    """It decides the vectors of texts and pictures."""
    copied = shutil.copytree(folder, tmp_path / "copy")
    before = encoder_of(build_text, copied).key
    told = json.loads((copied / "chat_template.json").read_text())
    changed = f"{told['chat_template']}!"
    (copied / "chat_template.json").write_text(json.dumps({"chat_template": changed}))

    assert encoder_of(build_text, copied).key.fingerprint != before.fingerprint
