"""Texts of searches that are encoded at once."""

import threading

import numpy as np
import pytest

from mmcore.search.request import Part
from mmcore.search.voices import Voices


class Encoder:
    """One that takes all cores, or shares them."""

    def __init__(self, *, shares):
        if shares:
            self.shares_cores = True


class Asker:
    """Says whether the lock was held when it encoded."""

    def __init__(self, encoder, lock):
        self._encoder, self._lock, self.held = encoder, lock, []

    def encoder(self, modality, space):
        """The one there is."""
        return self._encoder

    def cut(self, text):
        """In one piece."""
        return [text]

    def texts(self, texts, languages, space):
        """Unit vectors."""
        self.held.append(self._lock.locked())
        return np.eye(len(texts), 4, dtype=np.float32)


@pytest.mark.parametrize("shares", [True, False])
def test_a_model_that_takes_all_cores_has_them_alone(shares):
    """One that shares them itself is not waited for."""
    lock = threading.Lock()
    asker = Asker(Encoder(shares=shares), lock)
    Voices(asker, lock).vector(Part(text="a frog"), "space")

    assert asker.held == [not shares]
