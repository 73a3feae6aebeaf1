from __future__ import annotations

from mmcore.encoders.background import sentences
from mmcore.media.texts.language import detect_language


def test_both_languages_have_forty_different_sentences():
    """Each sentence is in the language that it stands under."""
    found = sentences()

    assert set(found) == {"en", "zh"}
    for language, texts in found.items():
        assert len(set(texts)) == len(texts) == 40
        assert {detect_language(text) for text in texts} == {language}
