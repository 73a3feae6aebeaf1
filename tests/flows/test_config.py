from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.config.index import IndexConfig
from mmcore.errors import ConfigError


def sources(*media):
    """The roots that a config with these folders has, alias → URL."""
    config = IndexConfig(media=media, lake="lake")
    return {source.alias: source.url for source in config.sources()}


def test_a_root_is_called_by_its_folder(tmp_path):
    """Without an alias the folder's own name is the root's, and its URL is absolute."""
    (tmp_path / "照片").mkdir()

    assert sources(str(tmp_path / "照片")) == {"照片": str(tmp_path / "照片")}


def test_an_alias_names_a_root(tmp_path):
    """ALIAS=FOLDER keeps the root's name when the folder moves."""
    assert sources(f"photos={tmp_path}") == {"photos": str(tmp_path)}


def test_a_folder_with_an_equals_sign_is_a_folder(tmp_path):
    """A folder that is there is not taken apart at an equals sign in its name."""
    folder = tmp_path / "a=b"
    folder.mkdir()

    assert sources(str(folder)) == {"a=b": str(folder)}


def test_two_roots_of_one_name_are_refused(tmp_path):
    """The way out is an alias."""
    for name in ("one/media", "two/media"):
        (tmp_path / name).mkdir(parents=True)

    with pytest.raises(ConfigError, match="ALIAS=FOLDER"):
        sources(str(tmp_path / "one/media"), str(tmp_path / "two/media"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"media": ()},
        {"media": ("",)},
        {"workers": 0},
        {"max_bad_fraction": 2},
        {"x": 1},
        {"index": {"seed": 2**31}},  # faiss has no larger one
        {"index": {"k": 1001}},
    ],
)
def test_a_setting_that_cannot_be_is_refused(wrong):
    """Values out of range and unknown names stop before any work."""
    with pytest.raises(ValidationError):
        IndexConfig.model_validate({"media": (".",), "lake": "lake"} | wrong)


def test_a_config_is_a_form():
    """Prefect shows each field with its limits, so the schema has them."""
    schema = IndexConfig.model_json_schema()["properties"]

    assert schema["max_bad_fraction"]["maximum"] == 1
    assert schema["engine"]["enum"] == ["threads", "processes", "dask"]


def test_what_only_says_how_to_run_decides_nothing():
    """Workers, engine, device and batch size leave the specs that decide a snapshot alone."""
    plain = IndexConfig(media=(str(Path.cwd()),), lake="lake")
    other = plain.model_copy(update={"workers": 7, "engine": "dask", "lake": "elsewhere"})

    assert plain.specs() == other.specs()
