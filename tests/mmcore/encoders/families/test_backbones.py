from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from copy import copy

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision import models
from torchvision.models._api import WeightsEnum

from mmcore.encoders.base import Classifies
from mmcore.encoders.compute.loaded import free
from mmcore.encoders.families import backbone_facts
from mmcore.encoders.families.backbones import (
    TORCHVISION,
    build_frames,
    build_image,
    build_resnet18_frames,
    build_resnet18_image,
)
from mmcore.encoders.families.words import build_word2vec
from mmcore.encoders.heads import Labels
from mmcore.encoders.weights.pinned import load_state
from mmcore.encoders.weights.places import place_of_weights
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import FitSpec, RuntimeSpec, SegmentationSpec
from mmcore.training.projections import fit_projection
from mmcore.training.rows import Rows
from storage.schemas import Modality
from tests.checkpoints import checkpoint
from tests.made.checkpoints.torchvision import photos, state_of, write

QUICK = ("mnasnet0_5", "mobilenet_v3_small", "regnet_x_400mf", "shufflenet_v2_x0_5")
SLOW = (
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s"),
    *("googlenet", "inception_v3", "maxvit_t", "mobilenet_v2", "regnet_y_400mf"),
    *("resnext50_32x4d", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11", "vit_b_32"),
    "wide_resnet50_2",
)
ARCHITECTURES = [*QUICK, *(pytest.param(one, marks=pytest.mark.slow) for one in SLOW)]


def encoder_of(folder, dtype="float32", build=build_image, **fields):
    """The encoder of a folder, on the CPU."""
    runtime = RuntimeSpec(device="cpu", dtype=dtype, models={"torchvision": str(folder)}, **fields)
    return build(SegmentationSpec(), runtime)


def resnet18(folder=None, dtype="float32", build=build_resnet18_image):
    """The encoder of the preset ``resnet18``."""
    told = str(folder or checkpoint("resnet18"))
    return build(
        SegmentationSpec(), RuntimeSpec(device="cpu", dtype=dtype, models={"resnet18": told})
    )


def embedded(encoder, pictures):
    """Cells of pictures, and the features in them."""
    cells = encoder.encode(np.stack([encoder.prepare(one) for one in pictures]))
    return cells, encoder.reading.features(cells)


def reference(name, state, pictures, monkeypatch):
    """What torchvision's own constructor, given these weights, and transforms make of pictures.

    Features are what goes into the last layer; of SqueezeNet, the mean of what its last fire
    module gives.
    """
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda *_, **__: copy(state))
    weights = models.get_model_weights(name)["DEFAULT"]
    model = models.get_model(name, weights=weights).eval()
    seen = []
    if name.startswith("squeezenet"):
        model.features.register_forward_hook(lambda _, __, out: seen.append(out.mean((2, 3))))
    else:
        last = [one for one in model.modules() if isinstance(one, torch.nn.Linear)][-1]
        last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        scores = model(torch.stack([weights.transforms()(one) for one in pictures]))
    return seen[0].numpy(), scores.numpy()


def cosine(left, right):
    """(n,) of rows."""
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return (left * right).sum(axis=1) / lengths


@pytest.fixture
def freed():
    """Let models go after a test that loads large ones."""
    yield
    free()


@pytest.mark.usefixtures("freed")
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_features_and_scores_are_torchvisions(name, tmp_path, monkeypatch):
    """One of every family: the last layer's input, and what the classifier makes of it."""
    state = state_of(name)
    folder = tmp_path / name
    write(folder, name)
    wanted, scores = reference(name, state, photos(), monkeypatch)
    encoder = encoder_of(folder)

    cells, features = embedded(encoder, photos())

    assert cells.shape == (4, encoder.key.dim)
    common = wanted.mean(axis=0)  # of random weights, most of each vector
    assert cosine(features - common, wanted - common).min() >= 0.9999
    assert cosine(features, wanted).min() >= 0.9999
    np.testing.assert_allclose(features, wanted, atol=2e-3 * np.abs(wanted).max())
    assert encoder.config.architecture.rectified == (wanted.min() >= 0)
    if isinstance(encoder, Classifies):
        found = encoder.classifier()
        given = features @ found.weight.T + found.bias
        np.testing.assert_allclose(given, scores, atol=2e-3 * np.abs(scores).max())
    else:
        assert name.startswith("squeezenet")


def test_bfloat16_stays_close(monkeypatch):
    """Cosine of ResNet-18's features with torchvision's in float32: at least .999."""
    folder = checkpoint("resnet18")
    state = load_file(folder / "model.safetensors")
    wanted, _ = reference("resnet18", state, photos(), monkeypatch)

    _, features = embedded(resnet18(dtype="bfloat16"), photos())

    assert cosine(features, wanted).min() >= 0.999


def test_a_picture_has_one_vector_in_any_company():
    """Alone, in a batch and in another order."""
    encoder = encoder_of(checkpoint("torchvision"))
    pictures = photos()
    together, _ = embedded(encoder, pictures)

    turned, _ = embedded(encoder, pictures[::-1])
    alone = [encoder.encode_query(one) for one in pictures]

    np.testing.assert_allclose(turned[::-1], together, atol=1e-5)
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_the_classes_have_imagenets_names():
    """The last layer of published weights, by name; class scores make a label vector of a cell."""
    encoder = resnet18()
    found = encoder.classifier()
    _, features = embedded(encoder, photos())
    vectors = np.random.default_rng(0).normal(size=(1000, 8)).astype(np.float32)

    placed = Labels(found.weight, found.bias, vectors).place(features)

    assert found.weight.shape == (1000, 512)
    assert found.names[:2] == ("tench", "goldfish")
    np.testing.assert_allclose(np.linalg.norm(placed, axis=1), 1, atol=1e-5)


def test_it_has_a_head_of_class_names_beside_any_text_encoder():
    """Without a pair pictures are led into the text encoder's space, by what it makes of names."""
    picture = resnet18()
    models = {"word2vec": str(checkpoint("word2vec"))}
    text = build_word2vec(SegmentationSpec(), RuntimeSpec(models=models))
    made = {text.key: text, picture.key: picture}

    found = fit_projection(Rows.empty(25), {}, list(made), FitSpec(), None, make=made.__getitem__)

    assert found is not None
    head = found.heads["resnet18-image"].head
    assert head.state == "label"
    assert head.project(picture.encode(picture.prepare(photos(1)[0])[None])).shape == (1, 25)


def test_frames_share_the_space_and_the_weights():
    """A frame has the vector that it has as a picture; the keys differ in what they read."""
    picture, frames = resnet18(), resnet18(build=build_resnet18_frames)
    image = photos(1)[0]

    assert picture.key.space == frames.key.space
    assert frames.key.reads == (Modality.VIDEO,)
    np.testing.assert_array_equal(picture.encode_query(image), frames.encode_query(image))
    assert encoder_of(checkpoint("torchvision"), build=build_frames).key.dim == 1025


def test_weights_of_ones_own_have_their_own_classes(tmp_path):
    """A trained model with its categories is a classifier of these; without, it is none."""
    model = models.get_model("shufflenet_v2_x0_5", num_classes=3)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    config = {"architecture": "shufflenet_v2_x0_5", "categories": ["cat", "dog", "tree"]}
    (tmp_path / "config.json").write_text(json.dumps(config))

    assert encoder_of(tmp_path).classifier().names == ("cat", "dog", "tree")
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "shufflenet_v2_x0_5"}))
    assert not isinstance(encoder_of(tmp_path), Classifies)
    config["categories"] = ["cat", "dog"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="categories has 2 names, the weights 3"):
        encoder_of(tmp_path).classifier()


@pytest.fixture
def published(tmp_path):
    """A folder with a published file's name, and what its sha256 begins with."""
    made = checkpoint("torchvision")
    shutil.copy(made / "config.json", tmp_path)
    known = backbone_facts.architectures()["shufflenet_v2_x0_5"].weights["IMAGENET1K_V1"]
    path = tmp_path / known.file
    torch.save(load_file(made / "model.safetensors"), path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def test_a_published_file_is_pinned_by_its_name(published, monkeypatch):
    """Torchvision's .pth opens where its sha256 begins as its name says, else never."""
    path, digits = published
    with pytest.raises(UnsafeWeightsError):
        load_state(path, digits[:7])  # too few digits pin nothing
    with pytest.raises(UnsafeWeightsError, match="pins f707e7126e"):
        encoder_of(path.parent).encode_query(photos(1)[0])

    monkeypatch.setattr(backbone_facts.Published, "pin", property(lambda _: digits))

    wanted, _ = embedded(encoder_of(checkpoint("torchvision")), photos())
    found, _ = embedded(encoder_of(path.parent), photos())
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_another_pickle_is_refused(published):
    """A .pth of another name is not opened; the message says what makes safetensors of it."""
    path, _ = published
    path.rename(path.parent / "mine.pth")

    with pytest.raises(UnsafeWeightsError, match="mmindex encoders convert"):
        encoder_of(path.parent).encode_query(photos(1)[0])


@pytest.mark.slow
def test_densenets_old_names_are_known(tmp_path, monkeypatch):
    """DenseNet's published files name their layers as torch 0.3 did."""
    write(tmp_path, "densenet121")
    state = load_file(tmp_path / "model.safetensors")
    layer = re.compile(r"(denselayer\d+\.(?:norm|conv))([12])")
    old = {layer.sub(r"\1.\2", key): state[key] for key in state if "num_batches" not in key}
    assert old.keys() != state.keys()
    save_file(old, tmp_path / "model.safetensors")
    wanted, _ = reference("densenet121", old, photos(), monkeypatch)

    _, features = embedded(encoder_of(tmp_path), photos())

    assert cosine(features, wanted).min() >= 0.9999


def test_missing_weights_are_said(tmp_path):
    """Nothing there, or a configuration alone: the message names the preset."""
    with pytest.raises(MissingWeightsError) as caught:
        encoder_of("resnet50", weights=str(tmp_path))
    assert caught.value.path == tmp_path / "torchvision" / "resnet50"
    shutil.copy(checkpoint("torchvision") / "config.json", tmp_path)
    with pytest.raises(MissingWeightsError):
        encoder_of(tmp_path)


def test_fetched_weights_are_found_by_name(tmp_path):
    """``torchvision:NAME`` and ``resnet18`` lead to ``<weights>/torchvision/NAME``."""
    for name, made in (("shufflenet_v2_x0_5", "torchvision"), ("resnet18", "resnet18")):
        shutil.copytree(checkpoint(made), tmp_path / "torchvision" / name)
    runtime = RuntimeSpec(device="cpu", weights=str(tmp_path))

    by_name = encoder_of("shufflenet_v2_x0_5", weights=str(tmp_path))
    by_default = build_resnet18_image(SegmentationSpec(), runtime)

    assert by_name.key == encoder_of(checkpoint("torchvision")).key
    assert by_default.key == resnet18().key
    assert by_default.licence == "BSD-3-Clause"
    release = TORCHVISION.release("torchvision/resnet50")
    told = runtime.model_copy(update={"models": {"torchvision": "torchvision/resnet50"}})
    assert place_of_weights("torchvision", release, told) == tmp_path / "torchvision" / "resnet50"


def test_weights_for_research_only_are_asked_for(tmp_path):
    """SWAG's weights forbid commercial use: refused unless the run allows them."""
    config = backbone_facts.config_of("vit_b_16", "IMAGENET1K_SWAG_E2E_V1")
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(b"")

    with pytest.raises(ConfigError, match=r"CC-BY-NC-4\.0"):
        encoder_of(tmp_path)
    assert encoder_of(tmp_path, noncommercial=True).shape == (384, 384, 3)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"architecture": "resnet19"}, "architecture"),
        ({"weights": "IMAGENET22K"}, "weights"),
        ({"crop_size": 300}, "crop_size"),
        ({"resize_size": [256, 256]}, "resize_size"),
        ({"interpolation": "area"}, "interpolation"),
        ({"std": [0.2, 0.2, 0]}, "std"),
        ({"mean": "imagenet"}, "mean"),
        ({"channels": 4}, "channels"),
        ({"categories": "all"}, "categories"),
    ],
)
def test_a_configuration_that_we_do_not_do_is_refused(changes, field, tmp_path):
    """The message names the file and the field."""
    shutil.copytree(checkpoint("torchvision"), tmp_path, dirs_exist_ok=True)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    with pytest.raises(ConfigError, match=rf"config\.json: {field}"):
        encoder_of(tmp_path)


def test_weights_of_another_architecture_are_refused(tmp_path):
    """ConfigError, not a page of keys; resnet18 takes no other architecture."""
    shutil.copytree(checkpoint("torchvision"), tmp_path, dirs_exist_ok=True)
    (tmp_path / "config.json").write_text(json.dumps(backbone_facts.config_of("resnet18")))

    with pytest.raises(ConfigError, match="no weights of resnet18"):
        encoder_of(tmp_path).encode_query(photos(1)[0])
    with pytest.raises(ConfigError, match="torchvision:"):
        resnet18(checkpoint("torchvision"))
    with pytest.raises(ConfigError, match="needs a model"):
        build_image(SegmentationSpec(), RuntimeSpec(device="cpu"))


def test_the_fingerprint_is_of_weights_and_preprocessing(tmp_path):
    """Elsewhere the same; with another weight or another size not."""
    keys = [encoder_of(checkpoint("torchvision")).key]
    shutil.copytree(checkpoint("torchvision"), tmp_path, dirs_exist_ok=True)
    assert encoder_of(tmp_path).key == keys[0]
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "crop_size": 192}))
    keys.append(encoder_of(tmp_path).key)
    state = load_file(tmp_path / "model.safetensors")
    state["fc.bias"] += 1
    save_file(state, tmp_path / "model.safetensors")
    keys.append(encoder_of(tmp_path).key)

    assert len({key.fingerprint for key in keys}) == 3


def test_building_imports_no_torch():
    """Facts come from JSON; the decoding processes make encoders by the thousand."""
    code = (
        "import sys\n"
        "from mmcore.encoders.presets import encoders_of\n"
        "from mmcore.specs import RuntimeSpec, SegmentationSpec\n"
        f"models = {{'resnet18': {str(checkpoint('resnet18'))!r}}}\n"
        f"preset = 'resnet18+torchvision:{checkpoint('torchvision')}'\n"
        "runtime = RuntimeSpec(models=models)\n"
        "made = encoders_of(preset + '+embedded', SegmentationSpec(), runtime)\n"
        "assert len(made) == 4, made\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_table_has_what_torchvision_publishes():
    """Files, preprocessing and defaults of all architectures; after an upgrade, write it again."""
    known = backbone_facts.architectures()
    assert set(known) == set(models.list_models(module=models))
    raw = json.loads(
        (backbone_facts.files(backbone_facts.__package__) / backbone_facts.FILE).read_text()
    )
    for name in known:
        told = json.loads(json.dumps(backbone_facts._weights(name)))
        assert {field: raw[name][field] for field in told} == told


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x1_0"])
def test_the_table_has_the_sizes_of_models(name):
    """The last layer's place and width."""
    found = backbone_facts.architectures()[name]

    for field, value in backbone_facts._sizes(name).items():
        assert getattr(found, field) == value
