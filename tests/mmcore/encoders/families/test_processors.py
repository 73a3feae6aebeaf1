"""Image processors read from JSON, against transformers' own classes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import transformers
from PIL import Image

from mmcore.encoders.families.processors import check_size, recipe_of, settings_of
from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError
from tests.joint import pictures

FLAT = "preprocessor_config.json"
NESTED = "processor_config.json"


@pytest.fixture
def folder(tmp_path):
    """A folder of weights that has no file yet."""
    return Folder(tmp_path, (), "MIT")


def written(folder, name=FLAT, **fields):
    """The folder with such a file."""
    (folder.path / name).write_text(json.dumps(fields))
    return folder


def pixels(recipe, image):
    """(3, h, w) of a picture as the model sees it."""
    shaped = (recipe.shaped(image).astype(np.float64) / 255 - recipe.mean) / recipe.std
    return shaped.transpose(2, 0, 1)


CASES = {
    "clip": ("CLIPImageProcessor", {"size": 40, "crop_size": 33}),
    "clip-narrow": (
        "CLIPImageProcessor",
        {"size": {"shortest_edge": 40}, "crop_size": {"height": 40, "width": 31}},
    ),
    "chinese": (
        "ChineseCLIPImageProcessor",
        {"size": {"height": 32, "width": 48}, "do_center_crop": False},
    ),
    "siglip": ("SiglipImageProcessor", {"size": {"height": 32, "width": 32}, "resample": 2}),
    "plain": (
        "SiglipImageProcessor",
        {"size": {"height": 24, "width": 24}, "do_normalize": False},
    ),
    "lanczos": ("SiglipImageProcessor", {"size": {"height": 24, "width": 24}, "resample": 1}),
    "defaults": ("CLIPImageProcessor", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_picture_is_what_the_librarys_class_makes_of_it(folder, case):
    """Pixels are those of transformers' processor by Pillow, from the same file."""
    name, fields = CASES[case]
    written(folder, image_processor_type=name, **fields)
    kind = name.removesuffix("ImageProcessor")
    processor = getattr(transformers, f"{name}Pil").from_pretrained(folder.path)
    recipe = recipe_of(settings_of(folder, kind))

    for image in pictures():
        theirs = processor(images=image, return_tensors="np")["pixel_values"][0]
        np.testing.assert_allclose(pixels(recipe, image), theirs, atol=1e-5)


def test_a_cut_of_odd_rest_is_where_the_library_has_it(folder):
    """41 pixels are cut to 32 from the fourth on, not from the fifth: 4.5 is rounded down."""
    written(folder, size=32, crop_size=32)
    recipe = recipe_of(settings_of(folder, "CLIP"))
    row = np.arange(41, dtype=np.uint8)
    image = Image.fromarray(np.repeat(np.tile(row, (32, 1))[..., None], 3, axis=2))

    assert recipe.shaped(image)[0, :, 0].tolist() == list(range(4, 36))


def test_a_nested_processor_counts_before_the_flat_file(folder):
    """``processor_config.json`` is read as transformers 5 does; an old one holds no processor."""
    written(folder, size={"height": 16, "width": 16})
    written(folder, NESTED, processor_class="SiglipProcessor")
    assert recipe_of(settings_of(folder, "Siglip")).shape == (16, 16, 3)

    written(folder, NESTED, image_processor={"size": {"height": 8, "width": 8}})
    assert recipe_of(settings_of(folder, "Siglip")).shape == (8, 8, 3)


def test_the_file_says_whose_defaults_count(folder):
    """A processor of another class than expected has its own defaults; old names are known."""
    written(folder, feature_extractor_type="CLIPFeatureExtractor")
    assert recipe_of(settings_of(folder, "Siglip")).resize == "shortest"

    written(folder, image_processor_type="SiglipImageProcessorFast")
    assert recipe_of(settings_of(folder, "CLIP")).resize == "squash"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"do_resize": False}, "do_resize is False"),
        ({"do_rescale": False}, "do_rescale is False"),
        ({"rescale_factor": 1 / 127.5}, "rescale_factor is"),
        ({"do_pad": True}, "do_pad is True"),
        ({"resample": 0}, "resample is 0"),
        ({"size": {"longest_edge": 32}}, "size is"),
        ({"size": {"shortest_edge": 32, "longest_edge": 64}}, "size is"),
        ({"size": -1}, "size is -1"),
        ({"do_center_crop": False}, "do_center_crop is False"),
        ({"size": 32, "crop_size": 33}, "crop_size is 33"),
        ({"size": {"height": 32, "width": 32}, "crop_size": 31}, "crop_size is 31"),
        ({"image_mean": [0.5, 0.5]}, "image_mean is"),
        ({"image_std": "half"}, "image_std is 'half'"),
        ({"image_processor_type": "ViTImageProcessor"}, "'ViTImageProcessor', known are CLIP"),
    ],
)
def test_what_a_recipe_cannot_follow_is_refused(folder, fields, named):
    """The file and the field are named."""
    written(folder, **fields)

    with pytest.raises(ConfigError, match=f"{FLAT}: .*{named}"):
        recipe_of(settings_of(folder, "CLIP"))


def test_a_folder_without_a_processor_is_refused(folder):
    """The file that is missing is named."""
    with pytest.raises(ConfigError, match=FLAT):
        settings_of(folder, "CLIP")


def test_a_processor_of_another_size_than_the_model_is_refused(folder):
    """A model of a fixed resolution takes pictures of that one."""
    recipe = recipe_of(settings_of(written(folder), "CLIP"))
    check_size(folder, recipe, 224)

    with pytest.raises(ConfigError, match=r"image_size is 336, .* 224 x 224"):
        check_size(folder, recipe, 336)
