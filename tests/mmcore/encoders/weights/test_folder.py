from __future__ import annotations

import json

import pytest

from mmcore.encoders.weights.folder import CARD, Folder, folder_of
from mmcore.encoders.weights.places import is_place, place_of_weights, weights_root
from mmcore.encoders.weights.releases import Release
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec

RELEASE = Release("hub", "owner/model", "MIT", revision="c" * 40)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No weights of this machine's user."""
    for name in ("MMINDEX_WEIGHTS", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def made(path, **files):
    """A folder of weights; ``model_safetensors`` is the file ``model.safetensors``."""
    path.mkdir(parents=True, exist_ok=True)
    for name, text in {"config_json": "{}", "model_safetensors": "w", **files}.items():
        stem, _, end = name.rpartition("_")
        (path / f"{stem}.{end}").write_text(text)
    return path


def runtime(path, **fields):
    """Looks for weights in ``path``."""
    return RuntimeSpec(weights=str(path), **fields)


def test_where_weights_are_looked_for(tmp_path, monkeypatch):
    """The setting counts before the variable, that before the user's cache."""
    assert weights_root(RuntimeSpec()) == tmp_path / "cache" / "mmindex" / "weights"
    monkeypatch.setenv("MMINDEX_WEIGHTS", str(tmp_path / "told"))
    assert weights_root(RuntimeSpec()) == tmp_path / "told"
    assert weights_root(runtime(tmp_path / "set")) == tmp_path / "set"


def test_a_name_is_a_folder_here_or_an_id(tmp_path):
    """What begins like a path is one; else it is looked for below the root."""
    here = made(tmp_path / "own")

    def place(told, release=RELEASE, preset="p"):
        models = {} if told is None else {preset: told}
        return place_of_weights(preset, release, runtime(tmp_path, models=models))

    assert place(str(here)) == here
    assert place("./none").is_absolute()
    assert place(None) == tmp_path / "owner" / "model"
    assert place("other/one") == tmp_path / "other" / "one"
    assert place("resnet50", None, "torchvision") == tmp_path / "torchvision" / "resnet50"
    assert place("base", Release("torchaudio", "torchaudio/x", "MIT")).parent.name == "torchaudio"
    with pytest.raises(ConfigError, match="no id of weights"):
        place("a/../../etc")
    with pytest.raises(ConfigError, match="has no weights of its own"):
        place(None, None)


@pytest.mark.parametrize(
    "told", [{"HF_HOME": "hf"}, {"HF_HUB_CACHE": "hf/hub"}, {"HF_HOME": "", "XDG_CACHE_HOME": "x"}]
)
def test_the_cache_of_the_hub_is_looked_into(tmp_path, monkeypatch, told):
    """Weights that another program downloaded serve, at the pinned revision, through its links."""
    for name, value in told.items():
        monkeypatch.setenv(name, str(tmp_path / value) if value else "")
    cache = tmp_path / ("x/huggingface/hub" if "XDG_CACHE_HOME" in told else "hf/hub")
    blobs = made(cache / "models--owner--model" / "blobs")
    snapshot = cache / "models--owner--model" / "snapshots" / RELEASE.revision
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).symlink_to(blobs / name)

    found = folder_of("p", RELEASE, runtime(tmp_path / "root"))

    assert found.path == snapshot
    assert found.files == ("config.json", "model.safetensors")
    assert found.digest == Folder(blobs, found.files, "MIT").digest
    other = Release("hub", "owner/model", "MIT", revision="d" * 40)
    with pytest.raises(MissingWeightsError):
        folder_of("p", other, runtime(tmp_path / "root"))
    made(tmp_path / "root" / "owner" / "model")  # fetched ones count more
    assert folder_of("p", RELEASE, runtime(tmp_path / "root")).path.is_relative_to(
        tmp_path / "root"
    )


def test_the_digest_is_of_what_decides(tmp_path):
    """It is the same in another place and with other files beside; a changed file changes it."""
    one, two = made(tmp_path / "one"), made(tmp_path / "two", README_md="# x", own_py="pass")
    digests = [
        folder_of("p", None, RuntimeSpec(models={"p": str(at)})).digest for at in (one, two)
    ]
    assert digests[0] == digests[1]

    (two / "config.json").write_text('{"size": 2}')

    assert folder_of("p", None, RuntimeSpec(models={"p": str(two)})).digest != digests[0]


def test_a_single_file_is_the_folder_with_it_alone(tmp_path):
    """Vectors of words come as one file."""
    made(tmp_path, glove_txt="a 1 2")

    found = folder_of(
        "p", None, RuntimeSpec(models={"p": str(tmp_path / "glove.txt")}), ("*.txt",)
    )

    assert (found.path, found.files) == (tmp_path, ("glove.txt",))


def test_weights_that_are_not_whole_are_missing(tmp_path):
    """A configuration alone, or an index whose parts are not all here, is not enough."""
    place = made(tmp_path / "owner" / "model")
    (place / "model.safetensors").unlink()
    with pytest.raises(MissingWeightsError, match="mmindex encoders fetch p"):
        folder_of("p", RELEASE, runtime(tmp_path))
    parts = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    index = place / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": parts[0], "b": parts[1]}}))
    (place / parts[0]).write_text("w")
    with pytest.raises(MissingWeightsError):
        folder_of("p", RELEASE, runtime(tmp_path))

    (place / parts[1]).write_text("w")

    assert set(parts) < set(folder_of("p", RELEASE, runtime(tmp_path)).files)


def test_missing_weights_are_named_as_they_are_fetched(tmp_path):
    """Behind the preset's colon, where an id stands there."""
    named = runtime(tmp_path, models={"p": "owner/other"})

    with pytest.raises(MissingWeightsError, match="`mmindex encoders fetch p:owner/other`"):
        folder_of("p", RELEASE, named)


def test_an_interrupted_fetch_is_missing_weights(tmp_path):
    """Where a fetch works is no place that is looked into."""
    made(tmp_path / "owner" / "model.partial")

    with pytest.raises(MissingWeightsError):
        folder_of("p", RELEASE, runtime(tmp_path))


def test_a_pickle_alone_is_left_to_what_opens_it(tmp_path):
    """It is not missing: the family says why it is not opened."""
    place = made(tmp_path / "owner" / "model", pytorch_model_bin="pickle")
    (place / "model.safetensors").unlink()

    assert folder_of("p", RELEASE, runtime(tmp_path)).files == ("config.json",)


def test_pins_are_of_the_release(tmp_path):
    """They hold for its own weights, by whichever name; of safetensors no pickle is looked at."""
    release = Release(
        "hub",
        "owner/model",
        "MIT",
        sha256={"pytorch_model.bin": "0" * 64, "model.safetensors": "1"},
    )
    made(tmp_path / "owner" / "model", pytorch_model_bin="pickle")
    made(tmp_path / "owner" / "other")

    found = folder_of("p", release, runtime(tmp_path))

    assert found.files == ("config.json", "model.safetensors")
    assert found.pins == release.sha256
    named = folder_of("p", release, runtime(tmp_path, models={"p": "owner/model"}))
    assert named.pins == release.sha256
    other = folder_of("p", release, runtime(tmp_path, models={"p": "owner/other"}))
    assert other.pins == {}


def test_noncommercial_weights_have_to_be_wanted(tmp_path):
    """What the card says counts, and a run may accept it."""
    place = made(tmp_path / "owner" / "model")
    (place / CARD).write_text('{"id": "owner/model", "licence": "cc-by-nc-4.0"}')

    with pytest.raises(ConfigError, match=r"runtime\.noncommercial=true"):
        folder_of("p", RELEASE, runtime(tmp_path))

    assert folder_of("p", RELEASE, runtime(tmp_path, noncommercial=True)).licence == "cc-by-nc-4.0"


def test_a_damaged_file_of_the_folder_is_named(tmp_path):
    """Card, configuration and index: one line each."""
    place = made(tmp_path / "owner" / "model")
    found = folder_of("p", RELEASE, runtime(tmp_path))
    (place / "config.json").write_text("[")
    with pytest.raises(ConfigError, match=r"config\.json: cannot be read"):
        found.json("config.json")
    weights = (place / "model.safetensors").rename(place / "weights.safetensors")
    (place / "model.safetensors.index.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"index\.json: cannot be read"):
        folder_of("p", RELEASE, runtime(tmp_path))
    (place / "model.safetensors.index.json").unlink()
    weights.rename(place / "model.safetensors")
    (place / CARD).write_text("{")
    with pytest.raises(ConfigError, match=f"{CARD}: is damaged"):
        folder_of("p", RELEASE, runtime(tmp_path))


@pytest.mark.parametrize(
    ("told", "place"),
    [
        *[(one, True) for one in ("/models/x", "./x", "../x", "~/x", ".", "C:\\x", "D:/models")],
        *[(one, False) for one in ("owner/model", "resnet50", "here", "ViT-B-32/laion2b")],
    ],
)
def test_a_path_is_told_by_how_it_begins(tmp_path, monkeypatch, told, place):
    """Not by what the folder of a run happens to hold."""
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "here")
    made(tmp_path / "owner" / "model")

    assert is_place(told) is place


def test_a_folder_of_an_ids_name_is_no_substitute(tmp_path, monkeypatch):
    """An id keeps its pins wherever a run starts; the error says how such a folder is named."""
    made(tmp_path / "owner" / "model")
    monkeypatch.chdir(tmp_path)
    release = Release("hub", "owner/model", "MIT", sha256={"model.safetensors": "1"})
    named = runtime(tmp_path / "root", models={"p": "owner/model"})

    with pytest.raises(MissingWeightsError, match=r"for what lies here write p:\./owner/model"):
        folder_of("p", release, named)

    made(tmp_path / "root" / "owner" / "model")
    assert folder_of("p", release, named).pins == release.sha256


@pytest.mark.parametrize("part", ["sub/model.safetensors", "../x.safetensors", "a\\b.safetensors"])
def test_an_index_names_files_beside_it_only(tmp_path, part):
    """What is loaded is what is hashed: a part elsewhere is refused."""
    place = made(tmp_path / "owner" / "model")
    (place / "model.safetensors").rename(place / "other.safetensors")
    (place / "sub").mkdir()
    (place / "sub" / "model.safetensors").write_text("w")
    (place / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": part}}))

    with pytest.raises(UnsafeWeightsError, match="beside it"):
        folder_of("p", RELEASE, runtime(tmp_path))


def test_parts_are_hashed_whatever_they_are_called(tmp_path):
    """Those that the index names, and no others."""
    place = made(tmp_path / "owner" / "model", spare_safetensors="s")
    (place / "model.safetensors").rename(place / "tensors.safetensors")
    index = json.dumps({"weight_map": {"a": "tensors.safetensors"}})
    (place / "model.safetensors.index.json").write_text(index)
    found = folder_of("p", RELEASE, runtime(tmp_path))
    before = found.digest

    (place / "tensors.safetensors").write_text("changed")

    assert found.files == ("config.json", "model.safetensors.index.json", "tensors.safetensors")
    assert found.digest != before


def test_what_is_not_loaded_does_not_count(tmp_path):
    """Spare weights, an index beside whole ones, a chat template of a model that does not chat."""
    place = made(tmp_path / "owner" / "model")
    before = folder_of("p", RELEASE, runtime(tmp_path)).digest

    made(place, spare_safetensors="s", chat_template_jinja="{{ hello }}")
    index = json.dumps({"weight_map": {"a": "spare.safetensors"}})
    (place / "model.safetensors.index.json").write_text(index)

    assert folder_of("p", RELEASE, runtime(tmp_path)).digest == before


def test_weights_of_another_name_are_not_loaded(tmp_path):
    """One name is looked for: the sentence says which."""
    place = made(tmp_path / "owner" / "model")
    (place / "model.safetensors").rename(place / "pytorch_model.safetensors")

    with pytest.raises(ConfigError, match=r"pytorch_model\.safetensors: .*call it model\."):
        folder_of("p", RELEASE, runtime(tmp_path))
