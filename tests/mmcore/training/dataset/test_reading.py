import logging

from mmcore.training.dataset.reading import TextReader
from tests import media


def test_a_text_is_its_chunks_and_one_key(tmp_path):
    """Long texts are cut as a lake cuts them; equal captions have equal keys."""
    reader = TextReader()
    long = " ".join(f"Sentence {n} says nothing." for n in range(60))
    read = [
        reader.read(media.content(media.text(tmp_path / f"{n}.txt", words)), None)
        for n, words in enumerate(("A red wall.", "the RED wall", long, "红墙"))
    ]

    assert read[0].key == read[1].key == "red wall"
    assert len(read[2].captions) > 2
    assert [one.captions[0].language for one in read] == ["en", "en", "en", "zh"]


def test_an_unreadable_text_is_none_and_told_once(tmp_path, caplog):
    """It is read and logged once, and named; so is one that holds nothing but spaces."""
    path = tmp_path / "a.txt"
    content = media.content(media.text(path, "words"))
    empty = media.caption(" ")
    path.unlink()
    reader = TextReader()
    with caplog.at_level(logging.WARNING):
        assert reader.read(content, None) is None
        assert reader.read(content, None) is None
        assert reader.read(empty, None) is None

    assert reader.unreadable == ["a.txt", "manifest.csv#1/en"]
    assert len(caplog.records) == 2


def test_what_is_said_of_the_language_wins():
    """A language that the name or the manifest gives is not looked for."""
    read = TextReader().read(media.caption("chat"), "fr")

    assert read.captions[0].language == "fr"
