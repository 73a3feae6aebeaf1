from __future__ import annotations

import pytest

from mmcore.encoders.presets import encoder_for, encoders_of
from mmcore.errors import ConfigError, UnknownPluginError
from mmcore.specs import RuntimeSpec, SegmentationSpec
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
    assert caught.value.known == ("embedded",)


def test_a_key_of_another_fingerprint_is_refused():
    """A worker must not fill a part with vectors of another version."""
    key = encoders_of("embedded", SegmentationSpec(), RuntimeSpec())[0].key

    assert encoder_for(key, SegmentationSpec(), RuntimeSpec()).key == key
    with pytest.raises(ConfigError, match="same version"):
        encoder_for(key, SegmentationSpec(text_chars=100), RuntimeSpec())
