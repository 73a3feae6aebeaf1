from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import pytest

from mmcore.encoders.presets import (
    chosen,
    encoder_for,
    encoders_of,
    kept,
    parts_of,
    presets,
    settled,
    title,
)
from mmcore.errors import ConfigError, UnknownPluginError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import EncoderKey
from storage.schemas import MODALITIES, Modality


def test_embedded_has_one_encoder_of_each_modality():
    """Text comes first; pictures and frames share a space, so a picture finds a video."""
    made = encoders_of("embedded", SegmentationSpec(), RuntimeSpec())
    by_modality = {e.key.modality: e.key for e in made}

    assert made[0].key.modality is Modality.TEXT
    assert set(by_modality) == set(MODALITIES)
    assert len(made) == 4
    assert by_modality[Modality.IMAGE].space == by_modality[Modality.VIDEO].space


def test_an_unknown_preset_lists_the_known():
    """The error carries the presets that there are."""
    with pytest.raises(UnknownPluginError) as caught:
        encoders_of("siglip9", SegmentationSpec(), RuntimeSpec())
    assert {"embedded", "siglip2"} <= set(caught.value.known)


def test_a_key_of_another_fingerprint_is_refused():
    """A worker must not fill a part with vectors of another version."""
    key = encoders_of("embedded", SegmentationSpec(), RuntimeSpec())[0].key

    assert encoder_for(key, SegmentationSpec(), RuntimeSpec()).key == key
    with pytest.raises(ConfigError, match="same version"):
        encoder_for(key, SegmentationSpec(text_chars=100), RuntimeSpec())


class Of:
    """Something with a key, as an encoder has."""

    def __init__(self, name, modality, space):
        self.key = EncoderKey(modality, name, "f", space, 4, (modality,))

    def __repr__(self):
        return self.key.name


T, P, A = Modality.TEXT, Modality.IMAGE, Modality.AUDIO


@pytest.mark.parametrize(
    ("made", "left"),
    [
        # siglip2+clap: CLAP's own text tower stays, since its sounds are asked by it
        ([("s", T, "s"), ("si", P, "s"), ("c", T, "c"), ("ca", A, "c")], "s si ca c"),
        # e5+siglip2: the later pictures count, and their tower stays
        ([("e", T, "e"), ("l", P, "l"), ("s", T, "s"), ("si", P, "s")], "e si s"),
        # siglip2+resnet18: nobody asks in SigLIP's space but the main text encoder
        ([("s", T, "s"), ("si", P, "s"), ("r", P, "r")], "s r"),
        # e5+qwen3-embedding: a second text encoder that shares its space with nobody goes
        ([("e", T, "e"), ("q", T, "q")], "e"),
        ([("r", P, "r")], "r"),
    ],
)
def test_of_two_encoders_of_a_medium_the_later_counts(made, left):
    """And a further text encoder stays only where it shares its space with another medium."""
    found = kept([Of(*one) for one in made])

    assert " ".join(one.key.name for one in found) == left


def test_what_stands_behind_a_colon_is_the_model():
    """Several presets are joined by a plus; each may name its weights."""
    found = chosen("siglip2:google/siglip2-large-patch16-256+clap")

    assert found.encoders[0] == "siglip2-text"
    assert found.encoders[-1] == "clap-audio"
    assert found.models == {"siglip2": "google/siglip2-large-patch16-256"}
    assert found.runtime(RuntimeSpec()).models == found.models


@pytest.mark.parametrize(
    ("preset", "why"),
    [
        ("siglip2:", "behind the colon"),
        ("glove", "needs FILE"),
        ("e5:one+e5:two", "twice"),
        ("e5+", "''"),
    ],
)
def test_a_preset_that_makes_no_sense_is_refused(preset, why):
    """The error says what is missing."""
    with pytest.raises((ConfigError, UnknownPluginError), match=why):
        chosen(preset)


def test_a_lake_keeps_where_weights_lie(tmp_path, monkeypatch):
    """A path in a preset is made absolute, an id stays as it is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()

    assert settled("e5:./mine+clap") == f"e5:{tmp_path / 'mine'}+clap"
    assert settled("e5:mine + clap") == "e5:mine+clap"
    assert settled("e5:intfloat/multilingual-e5-base") == "e5:intfloat/multilingual-e5-base"


@pytest.mark.parametrize(
    ("preset", "parts"),
    [
        ("siglip2+clap", "siglip2|clap"),
        (" siglip2 + clap:/x ", "siglip2|clap:/x"),
        ("siglip2:/data/c++/m", "siglip2:/data/c++/m"),
        ("siglip2:/data/c++/m+clap", "siglip2:/data/c++/m|clap"),
        ("siglip2:/data/a+clap:/b+c+e5", "siglip2:/data/a|clap:/b+c|e5"),
        ("siglip2:/data/a+clap2/m", "siglip2:/data/a+clap2/m"),
        ("siglip2:owner/x+clap", "siglip2:owner/x|clap"),
        ("siglip2+nothing+clap", "siglip2|nothing|clap"),
        ("siglip2+nothing:/x", "siglip2|nothing:/x"),
        ("clip:ViT-B-32/x+chinese-clip", "clip:ViT-B-32/x|chinese-clip"),
        ("e5+", "e5|"),
    ],
)
def test_a_plus_joins_presets_and_may_be_in_a_path(preset, parts):
    """It begins another preset where a known name follows."""
    assert "|".join(map(str, parts_of(preset))) == parts
    assert title(preset) == "-".join(part.partition(":")[0] for part in parts.split("|"))


def test_a_path_that_exists_is_not_cut(tmp_path):
    """A folder whose name looks like two presets is one, by all that read presets."""
    odd = tmp_path / "a+clap+e5"
    odd.mkdir()

    assert chosen(f"siglip2:{odd}+clap").models == {"siglip2": str(odd)}
    assert chosen(f"siglip2:{odd}+clap").encoders[-1] == "clap-audio"
    assert settled(f"siglip2:{odd}") == f"siglip2:{odd}"
    assert title(f"siglip2:{odd}") == "siglip2"
    assert chosen(f"siglip2:{tmp_path / 'b+clap'}").models == {"siglip2": str(tmp_path / "b")}


def test_names_of_other_packages_are_known(monkeypatch):
    """A preset that a package declares is one behind a plus, too."""
    own = EntryPoint("my-own", "mmcore.encoders.catalogue:EMBEDDED", presets.group)
    declared = [*entry_points(group=presets.group), own]
    monkeypatch.setattr("mmcore.registry.entry_points", lambda group: declared)

    assert chosen("siglip2:/x+my-own").models == {"siglip2": "/x"}
