from __future__ import annotations

import numpy as np
import pytest

from mmcore.encoders.features import Group, Reading
from mmcore.encoders.heads import JointHead, MediaHead, TextHead
from mmcore.encoders.learned import BlendHead, HubHead, MovedHead, ResidualHead
from mmcore.training.landing import landing_of

EYE = np.eye(2, dtype=np.float32)
TURN = np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)
TEXT = TextHead("fitted", {"other": np.zeros(2, np.float32)})
MEDIA = MediaHead(Reading((Group(0, 2),)), EYE, None, None)


@pytest.mark.parametrize("text", [TEXT, JointHead()])
def test_plain_texts_are_where_media_are_led(text):
    """Nothing is put upon a head that is fitted to them."""
    found = landing_of(text)

    assert found.captions is text
    assert found.wrap(MEDIA) is MEDIA


def test_all_steps_of_texts_are_taken():
    """The turn, the first place in the blend, and no tilt; a network's correction is not."""
    moved = ResidualHead(MovedHead(TEXT, TURN), (), 1.0)
    text = HubHead(BlendHead((moved, TEXT), (0.5, 0.5), (2, 2)), "text", 0.25)
    found = landing_of(text)
    wrapped = found.wrap(MEDIA)

    assert found.captions is TEXT
    assert isinstance(wrapped, HubHead)
    assert (wrapped.kind, wrapped.height) == ("media", 0)
    blend = wrapped.base
    assert (blend.weights, blend.dims, blend.parts[1]) == ((1.0, 0.0), (2, 2), None)
    assert blend.parts[0].whitening is TURN


def test_a_head_of_media_is_no_text():
    """It has no captions."""
    with pytest.raises(TypeError, match="MediaHead"):
        landing_of(MEDIA)
