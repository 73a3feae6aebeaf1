from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mmcore.encoders import embedded_text
from mmcore.encoders.base import SharesCores, Truncates
from mmcore.encoders.compute.crew import Crew
from mmcore.encoders.embedded_text import DIM, build, cleaned
from mmcore.specs import RuntimeSpec, SegmentationSpec

ENGLISH = "The nights are getting longer, and internationalisation is considered thoroughly. "
CHINESE = "人工智能正在改变我们的生活方式，春天的花园里开满了五颜六色的花。"


@pytest.fixture(scope="module")
def encoder():
    """The text encoder with the default chunks."""
    return build(SegmentationSpec(), RuntimeSpec())


def test_translations_are_closer_than_other_texts(encoder):
    """Each English caption finds its Chinese twin, once the languages' means are off."""
    english = encoder.encode(["a frog", "a red car", "the sound of rain", "a football match"])
    chinese = encoder.encode(["青蛙", "红色的汽车", "雨声", "足球比赛"])
    scores = (english - english.mean(0)) @ (chinese - chinese.mean(0)).T

    assert scores.argmax(axis=1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "chunk", [(ENGLISH * 9)[:400], (CHINESE * 9)[:200], "龘靐齉爩麤" * 40, "x9$#@!%^&*" * 40]
)
def test_a_chunk_of_the_default_length_fits_the_model(encoder, chunk):
    """400 characters, or 200 Chinese ones, stay below 512 tokens, odd symbols too."""
    assert encoder.token_count(chunk) <= 512


@pytest.mark.slow
def test_the_last_sentence_of_a_long_text_counts(encoder):
    """Of about 2,000 tokens none is cut off: the model takes them in windows of 512."""
    head = "The old mill stands near a river, and its wheel has not turned for years. " * 110
    assert 1800 < encoder.token_count(head) < 2300
    one, other = encoder.encode([head + "A frog sings.", head + "Share prices fell in Tokyo."])

    assert 0.9 < one @ other < 0.9999


def test_a_text_over_the_limit_is_not_cut(encoder):
    """What stands behind the 512th token still moves the vector, and by more than noise."""
    head = "cats and dogs play. " * 110
    assert encoder.token_count(head) > 512
    plain, ended = encoder.encode([head, head + "Quantum chromodynamics of gluons. " * 40])

    assert plain @ ended < 0.99


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("cat\0dog", "cat dog"),
        ("Ｖ．字母", "V.字母"),
        ("一隻綠色的青蛙騎著車", "一只绿色的青蛙骑着车"),
        (" a frog ", "a frog"),
        ("\ud800frog", "?frog"),
    ],
)
def test_texts_are_made_safe_for_the_engine(encoder, text, same):
    """NUL would end a text, a lone surrogate is no UTF-8; NFKC forms and scripts are one text."""
    assert cleaned(text) == same
    np.testing.assert_array_equal(encoder.encode([text]), encoder.encode([same]))


def test_a_ligature_that_grows_does_not_harm_the_engine(encoder):
    """U+FDFA, 18 letters in one, overflows the engine's buffer when it gets there as it is."""
    vectors = encoder.encode(["\ufdfa" * 300, "", "   "])

    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(vectors[1], vectors[2])


def test_a_query_is_encoded_like_what_is_indexed(encoder):
    """One side for both: measured to be better for captions."""
    assert encoder.encode_query("a frog").tolist() == encoder.encode(["a frog"])[0].tolist()
    assert encoder.encode_query("a frog").shape == (DIM,)


def test_the_fingerprint_knows_the_chunk_length():
    """Other chunks are other segments, hence other cells; nothing else of the spec matters."""
    plain = build(SegmentationSpec(), RuntimeSpec()).key
    other = build(SegmentationSpec(text_chars=200), RuntimeSpec()).key

    assert plain.fingerprint != other.fingerprint
    assert plain == build(SegmentationSpec(audio_window=3), RuntimeSpec()).key


def test_no_input_is_cut(encoder):
    """So it has nothing to count: it is no encoder that truncates."""
    assert not isinstance(encoder, Truncates)


def test_threads_that_encode_at_once_get_the_same_bits(encoder):
    """Alone, in a batch, in one thread or in several: a vector does not depend on it."""
    texts = ["a frog", ENGLISH, CHINESE, "red wall"]
    alone = np.stack([encoder.encode_query(text) for text in texts])
    with ThreadPoolExecutor(4) as threads:
        at_once = [*threads.map(encoder.encode_queries, [texts[n:] for n in range(4)] * 2)]

    assert isinstance(encoder, SharesCores)
    for number, vectors in enumerate(at_once):
        np.testing.assert_array_equal(vectors, alone[number % 4 :])


def test_only_a_long_text_alone_takes_several_threads(encoder, monkeypatch):
    """A short one takes longer to wake them; beside another call there is no core left."""
    given = []

    class Noted(Crew):
        def rows(self, work, of, most):
            given.append(len(of))
            return super().rows(work, of, most)

    engine, _ = embedded_text._engine()
    crew = Noted(engine._lib, threads=1)
    monkeypatch.setattr(embedded_text, "_engine", lambda: (engine, crew))
    encoder.encode([ENGLISH * 2])
    assert given == []
    encoder.encode(["a frog"])
    encoder.encode([CHINESE] * 3)
    monkeypatch.setattr(Noted, "idle", False)
    encoder.encode([ENGLISH * 2])

    assert given == [1, 3, 1]
