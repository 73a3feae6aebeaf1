"""Texts of searches that are encoded at once."""

import threading

import numpy as np
import pytest

from mmcore.search.asking.voices import Voices
from mmcore.search.recent import Recent
from mmcore.search.request import Part


class Encoder:
    """One that takes all cores, or shares them."""

    def __init__(self, *, shares):
        if shares:
            self.shares_cores = True


class Asker:
    """Says whether the lock was held when it encoded."""

    def __init__(self, encoder, lock):
        self._encoder, self._lock, self.held, self.asked = encoder, lock, [], []

    def encoder(self, modality, space):
        """The one there is."""
        return self._encoder

    def cut(self, text):
        """In one piece."""
        return [text]

    def texts(self, texts, languages, space):
        """Unit vectors."""
        self.held.append(self._lock.locked())
        self.asked.append([*texts])
        return np.eye(len(texts), 4, dtype=np.float32)


@pytest.mark.parametrize("shares", [True, False])
def test_a_model_that_takes_all_cores_has_them_alone(shares):
    """One that shares them itself is not waited for."""
    lock = threading.Lock()
    asker = Asker(Encoder(shares=shares), lock)
    Voices(asker, lock, Recent(2)).vector(Part(text="a frog"), "space")

    assert asker.held == [not shares]


def test_a_text_that_was_asked_before_is_not_encoded_again():
    """In the same space; and of several those alone that are new."""
    lock, known = threading.Lock(), Recent(3)
    asker = Asker(Encoder(shares=True), lock)

    def asked(*texts, space="space"):
        voices = Voices(asker, lock, known)
        for text in texts:
            voices.expect(Part(text=text), space)
        return [voices.vector(Part(text=text), space).tolist() for text in texts]

    first = asked("a frog")
    both = asked("a frog", "a car")
    asked("a frog", space="other")

    assert asker.asked == [[["a frog"]], [["a car"]], [["a frog"]]]
    assert both[0] == first[0]


def test_the_texts_asked_longest_ago_are_encoded_again():
    """No more are kept than may be."""
    lock, known = threading.Lock(), Recent(1)
    asker = Asker(Encoder(shares=True), lock)
    for text in ("a frog", "a car", "a frog"):
        Voices(asker, lock, known).vector(Part(text=text), "space")

    assert asker.asked == [[["a frog"]], [["a car"]], [["a frog"]]]


def test_a_vector_that_is_kept_keeps_no_others():
    """Those of texts that were encoded with it go when they are forgotten."""
    lock, known = threading.Lock(), Recent(1)
    voices = Voices(Asker(Encoder(shares=True), lock), lock, known)
    for text in ("a frog", "a car", "a red wall"):
        voices.expect(Part(text=text), "space")
    voices.vector(Part(text="a frog"), "space")

    (kept,) = known.found((text, "space") for text in ("a frog", "a car", "a red wall")).values()
    assert kept.base is None
