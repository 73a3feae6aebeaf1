"""The weights of a preset: here or not, whole or not; nothing is loaded."""

import hashlib

import pytest

from mmcore.encoders.weights.cards import Card, CardFile, write_card
from mmcore.inspection.machine import weights as looked
from mmcore.inspection.machine.weights import weights
from mmcore.specs import RuntimeSpec


def said(checks):
    """State and finding of each."""
    return [(one.state, one.said) for one in checks]


def test_the_weights_of_the_usual_preset_are_as_published():
    """Both files that come in packages have their pinned hashes."""
    (one,) = weights("embedded", None, 60)

    assert (one.state, one.said) == ("ok", "weights")
    assert (one.facts["files"], one.facts["hashed"]) == (2, 2)


def test_without_time_sizes_alone_are_compared():
    """A large model would take longer than anybody waits; how many were hashed is told."""
    (one,) = weights("embedded", None, 0)

    assert (one.state, one.facts["files"], one.facts["hashed"]) == ("ok", 2, 0)


def test_each_part_of_a_preset_has_its_line(tmp_path):
    """What one lacks does not hide the other."""
    found = list(weights("embedded+siglip2", str(tmp_path), 0))

    assert said(found) == [("ok", "weights"), ("fail", "weights-missing")]
    assert found[1].facts == {"preset": "siglip2", "place": str(tmp_path)}


def test_a_preset_that_there_is_not_is_a_failure():
    """The error lists those that there are."""
    (one,) = weights("nothing", None)

    assert (one.state, one.said) == ("fail", "weights-preset")
    assert "embedded" in one.facts["error"]


def test_an_extra_that_is_missing_is_named(monkeypatch):
    """It says what to install."""
    from mmcore.errors import MissingExtraError

    def missing(*_):
        raise MissingExtraError("the preset 'x'", "hub")

    monkeypatch.setattr(looked, "encoders_of", missing)

    (one,) = weights("embedded", None)
    assert (one.said, one.facts["extra"]) == ("weights-extra", "hub")


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """A folder of fetched weights with a card, as the preset `siglip2` would load it."""
    from mmcore.encoders.presets import presets

    runtime = RuntimeSpec(weights=str(tmp_path))
    release = presets.get("siglip2").releases[0]
    place = looked.place_of_weights("siglip2", release, runtime)
    place.mkdir(parents=True)
    data = b"weights" * 100
    (place / "model.safetensors").write_bytes(data)
    file = CardFile(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    write_card(place, Card(id=release.id, files={"model.safetensors": file}))
    monkeypatch.setattr(looked, "encoders_of", lambda *_: ())
    return tmp_path, place / "model.safetensors"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda _: None, ("ok", "weights")),
        (lambda path: path.write_bytes(b"Weights" * 100), ("fail", "weights-hash")),
        (lambda path: path.write_bytes(b"weights"), ("fail", "weights-size")),
        (lambda path: path.unlink(), ("fail", "weights-gone")),
    ],
)
def test_fetched_weights_are_compared_with_their_card(fetched, change, found):
    """Whole, changed, cut off, gone."""
    folder, path = fetched
    change(path)

    assert said(weights("siglip2", str(folder), 60)) == [found]
