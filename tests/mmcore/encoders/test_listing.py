from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from mmcore.encoders import listing as listing_module
from mmcore.encoders.listing import listing
from mmcore.encoders.presets import Preset
from mmcore.encoders.weights.cards import Card, write_card
from mmcore.encoders.weights.releases import Release
from mmcore.specs import RuntimeSpec
from mmcore.types import EncoderKey
from storage.schemas import Modality

RELEASE = Release("hub", "owner/model", "MIT", "a" * 40, bytes=1_000_000, dim=8)
TOWERS = Preset(("tower-image", "tower-text"), "towers", "zh", (RELEASE,))
OWN = Preset(("own",), "own vectors", needs="FILE", media="text")


class Tower:
    """An encoder that has nothing but a key."""

    key = EncoderKey(Modality.IMAGE, "tower-image", "f" * 16, "tower-1234", 8, (Modality.IMAGE,))
    licence = "MIT"


def make(segmentation, runtime):
    """A factory whose weights are here."""
    return Tower()


def fail(segmentation, runtime):
    """A factory of a package that is out of date."""
    raise AttributeError("module has no attribute\n'Encoder2'")


@pytest.fixture
def declared(monkeypatch):
    """What packages declare: ``declared("presets", towers="module:NAME")``."""
    points = {"mmindex.presets": [], "mmindex.encoders": []}
    monkeypatch.setattr(
        listing_module, "entry_points", lambda *, group: EntryPoints(points[group])
    )

    def declare(kind, **values):
        group = f"mmindex.{kind}"
        points[group] += [
            EntryPoint(name, f"{__name__}:{value}", group) for name, value in values.items()
        ]

    return declare


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """Weights are looked for in a folder of the test."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return RuntimeSpec(weights=str(tmp_path / "weights"))


def test_an_encoder_that_can_be_made_says_its_space(declared, runtime):
    """Modality, space, dimension and licence are its own."""
    declared("presets", towers="TOWERS")
    declared("encoders", **{"tower-image": "make", "tower-text": "make"})

    (line,) = listing(runtime)

    first = line.encoders[0]
    assert (first.modality, first.space, first.dim, first.licence) == (
        "image",
        "tower-1234",
        8,
        "MIT",
    )
    assert line.ready


def test_weights_that_are_not_here_say_how_to_get_them(declared, runtime):
    """Size and licence are the release's; half of a fetch is no weights."""
    declared("presets", towers="TOWERS")
    place = (listing_module.weights_root(runtime)) / "owner"
    (place / "model.partial").mkdir(parents=True)

    (line,) = listing(runtime)

    (weights,) = line.weights
    assert (weights.path, weights.bytes, weights.licence) == (None, 1_000_000, "MIT")
    assert weights.partial
    assert line.todo == "mmindex encoders fetch towers"


def test_weights_that_are_here_are_measured(declared, runtime):
    """Size, licence and revision are those of the folder; other ids of the preset are listed."""
    declared("presets", towers="TOWERS")
    root = listing_module.weights_root(runtime)
    for name, revision in (("owner/model", "b" * 40), ("other/one", "c" * 40)):
        (root / name).mkdir(parents=True)
        write_card(
            root / name, Card(id=name, preset="towers", licence="Apache-2.0", revision=revision)
        )
        (root / name / "w.safetensors").write_bytes(b"0" * 100)

    (line,) = listing(runtime)

    assert [one.id for one in line.weights] == ["owner/model", "other/one"]
    assert [one.revision for one in line.weights] == ["b" * 40, "c" * 40]
    assert all(one.licence == "Apache-2.0" and 100 < one.bytes < 600 for one in line.weights)
    assert line.weights[0].path == str(root / "owner" / "model")
    assert line.todo == ""


def test_what_is_broken_is_told(declared, runtime):
    """A module that is gone, what is no preset, and a factory that fails cost only their line."""
    declared("presets", gone="NOWHERE", odd="RELEASE", towers="TOWERS")
    declared("encoders", **{"tower-image": "fail", "tower-text": "make"})

    lines = {line.name: line for line in listing(runtime)}

    assert "NOWHERE" in lines["gone"].error
    assert "is no Preset" in lines["odd"].error
    first, second = lines["towers"].encoders
    assert first.error == "AttributeError: module has no attribute 'Encoder2'"
    assert (first.modality, second.error) == ("image", "")
    assert not lines["towers"].ready


def test_a_name_of_two_packages_is_told(declared, runtime):
    """The others are listed as they are."""
    declared("presets", towers="TOWERS", own="OWN")
    declared("presets", own="TOWERS")
    declared("encoders", own="make", **{"tower-image": "make", "tower-text": "make"})

    lines = {line.name: line for line in listing(runtime)}

    assert "declared twice" in lines["own"].error
    assert lines["towers"].ready


def test_a_preset_that_needs_weights_says_so(declared, runtime):
    """Nothing is made of it, and its medium is what the preset says."""
    declared("presets", own="OWN")
    declared("encoders", own="fail")

    (line,) = listing(runtime)

    assert line.todo == "mmindex index … --preset own:FILE"
    assert (line.encoders[0].modality, line.encoders[0].error) == ("text", "")
    assert not line.ready


def test_encoders_of_no_preset_are_listed(declared, runtime):
    """They can be part of a preset that somebody declares."""
    declared("encoders", lone="make")

    (line,) = listing(runtime)

    assert line.name == ""
    assert [one.name for one in line.encoders] == ["lone"]


def test_the_list_of_this_package_is_whole():
    """Every declared preset has a line, and all its encoders are declared."""
    lines = {line.name: line for line in listing(RuntimeSpec())}

    assert lines["embedded"].ready
    assert lines["embedded"].installed
    errors = [one.error for line in lines.values() for one in line.encoders]
    assert not [error for error in errors if "no package declares it" in error]


def test_an_extra_that_is_not_installed_is_told(declared, runtime, monkeypatch):
    """What it asks for is read from the package's own metadata."""

    class Package:
        requires = ("there>=1", 'gone>=5,<6; extra == "hub"', 'there; extra == "embedded"')

    def distribution(name):
        if name == "gone":
            raise listing_module.PackageNotFoundError(name)
        return Package()

    monkeypatch.setattr(listing_module, "distribution", distribution)

    assert not listing_module._installed("mmindex", "hub")
    assert listing_module._installed("mmindex", "embedded")
    assert listing_module._installed("mmindex", "")


def test_the_list_loads_no_model_library(tmp_path):
    """Neither torch nor transformers, whatever is installed."""
    program = (
        "import sys; from mmcore.encoders.listing import listing;"
        "from mmcore.specs import RuntimeSpec; listing(RuntimeSpec(weights=sys.argv[1]));"
        "print([one for one in ('torch', 'transformers', 'gensim', 'open_clip', 'torchaudio',"
        " 'prefect', 'faiss') if one in sys.modules])"
    )

    command = [sys.executable, "-c", program, str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, check=True, text=True)

    assert answer.stdout.strip() == "[]"
