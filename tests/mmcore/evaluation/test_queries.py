from dataclasses import replace

import numpy as np
import pytest

from mmcore.encoders.projections import FittedOn, caption_digests
from mmcore.evaluation.queries import Pairs, medium
from mmcore.training.rows import Rows
from mmcore.training.split import is_held_out
from storage.schemas import Modality
from tests.factories import unit_vectors


def rows(*found):
    """Rows of (item, segment, content, language, text)."""
    items, segments, contents, languages, texts = zip(*found, strict=True)
    return Rows(
        np.array(items, dtype=np.int64),
        np.array(segments, dtype=np.int64),
        contents,
        languages,
        texts,
        unit_vectors(len(found), 4),
    )


def pairs():
    """Item 1 and 2 are cats with equal captions in other words of punctuation; 3 is a dog."""
    texts = rows(
        (1, 11, "t1", "en", "A cat."),
        (1, 12, "t2", "zh", "一只猫。"),
        (2, 13, "t3", "en", "a cat"),
        (3, 14, "t4", "en", "A dog."),
    )
    images = rows((1, 21, "i1", None, None), (2, 22, "i2", None, None), (3, 23, "i3", None, None))
    return Pairs({Modality.TEXT: texts, Modality.IMAGE: images})


def asked(side, share=1.0, fitted=None, of=None):
    """The questions of a side by content."""
    found = (of or pairs()).questions(side, share, fitted or FittedOn())
    return {question.content_id: question for question in found}


def test_equal_captions_make_items_equally_right():
    """Both cats are right for either caption "a cat", and for the Chinese one of the first."""
    assert asked("text:en")["t1"].relevant.tolist() == [1, 2]
    assert asked("text:zh")["t2"].relevant.tolist() == [1, 2]
    assert asked("text:en")["t4"].relevant.tolist() == [3]


def test_a_text_hides_itself_and_its_equals():
    """The query's own content leaves the gallery, and so do texts that say the same."""
    assert asked("text:en")["t1"].hidden == {"t1", "t3"}
    assert asked("image")["i1"].hidden == {"i1"}


def test_only_held_out_captions_are_asked():
    """A text is asked when its own key is held out, a picture when any caption of its item is."""
    share = next(
        s / 100
        for s in range(1, 100)
        if is_held_out("cat", s / 100) != is_held_out("dog", s / 100)
    )
    held = ("t1", "t3") if is_held_out("cat", share) else ("t4",)
    seen = ("i1", "i2") if is_held_out("cat", share) else ("i3",)

    assert tuple(asked("text:en", share)) == held
    assert set(seen) <= set(asked("image", share))
    assert asked("text:en", 0.0) == {}


@pytest.mark.parametrize(
    "fitted",
    [
        FittedOn(contents={"i1"}),
        FittedOn(captions=caption_digests({"一只猫"})),
        FittedOn(contents={"t2"}),
    ],
)
def test_what_was_fitted_on_is_never_asked(fitted):
    """One content or caption of an item that was fitted on takes the whole item out."""
    assert list(asked("image", fitted=fitted)) == ["i2", "i3"]
    assert asked("text:zh", fitted=fitted) == {}


def test_questions_come_in_the_order_of_their_hashes():
    """Content ids are hashes: the first n are a choice that other contents do not change."""
    assert list(asked("text:en")) == ["t1", "t3", "t4"]


def test_a_document_is_no_caption():
    """A text of several chunks does not equal one of them, and keeps its chunks in order."""
    texts = rows(
        (1, 1, "long", "en", "One."), (1, 2, "long", "en", "Two."), (2, 3, "s", "en", "One.")
    )
    question = asked("text:en", of=Pairs({Modality.TEXT: texts}))["long"]

    assert question.chunks == ("One.", "Two.")
    assert question.relevant.tolist() == [1]


def test_a_caption_of_punctuation_equals_nothing():
    """Two texts without a letter are not the same caption, and are not asked."""
    texts = rows((1, 1, "a", "other", "!!!"), (2, 2, "b", "other", "???"))

    assert asked("text:other", of=Pairs({Modality.TEXT: texts})) == {}


def test_a_side_names_its_medium():
    """A direction's sides are media, and texts by their language."""
    assert pairs().sides == ("image", "text:en", "text:zh")
    assert medium("text:zh") is Modality.TEXT


def test_a_long_text_equals_its_copy():
    """The same words in another file are hidden with it and right too; fitted, both stay out."""
    texts = rows(
        (1, 1, "lf", "en", "One."),
        (1, 2, "lf", "en", "Two."),
        (2, 3, "crlf", "en", "One."),
        (2, 4, "crlf", "en", "Two."),
    )
    found = asked("text:en", of=Pairs({Modality.TEXT: texts}))

    assert found["lf"].hidden == {"lf", "crlf"}
    assert found["lf"].relevant.tolist() == [1, 2]
    seen = FittedOn(captions=caption_digests({"one two"}))
    assert asked("text:en", fitted=seen, of=Pairs({Modality.TEXT: texts})) == {}


def test_what_is_right_for_many_is_held_once():
    """Pictures of one caption share what is right: nothing grows with the square of them."""
    n = 50
    texts = rows(*((i, 0, "t", "en", "A cat.") for i in range(n)), (1, 1, "u", "en", "Tom."))
    images = rows(*((i, 100 + i, f"i{i}", None, None) for i in range(n)))
    found = list(asked("image", of=Pairs({Modality.TEXT: texts, Modality.IMAGE: images})).values())

    right = [ids for question in found for ids in question.right]
    assert len({id(ids.base) for ids in right}) == 1  # views of one array
    assert len(right[0].base) == n + 1
    assert all(len(question.relevant) == n for question in found)
    assert found[1].relevant[0] == found[1].items[0]


def test_what_was_read_or_heard_is_neither_asked_nor_a_caption():
    """A video's subtitles are no text content; an equal one makes its item no more right."""
    texts = rows(
        (1, 11, "t1", "en", "A cat."),
        (2, 12, "v1", "en", "a cat"),
        (2, 13, "v1", "fr", "un chat"),
        (3, 14, "t3", "en", "A dog."),
    )
    marked = replace(texts, derived=np.array([False, True, True, False]))
    films = rows((2, 22, "v1", None, None), (3, 23, "v2", None, None))

    found = Pairs({Modality.TEXT: marked, Modality.VIDEO: films})

    assert found.sides == ("text:en", "video")
    assert asked("text:en", of=found).keys() == {"t1", "t3"}
    assert asked("text:en", of=found)["t1"].relevant.tolist() == [1]
    assert asked("video", of=found).keys() == {"v2"}


def test_questions_that_captions_connect_are_one_group():
    """Two and three share a caption, as one and two do: so all three are of one group."""
    texts = rows(
        (1, 1, "a", "en", "A cat."),
        (2, 1, "a", "en", "A cat."),
        (2, 2, "b", "en", "A dog."),
        (3, 2, "b", "en", "A dog."),
        (4, 3, "c", "en", "A fox."),
    )
    images = rows(*((item, 10 + item, f"i{item}", None, None) for item in (1, 2, 3, 4, 5)))
    pairs = Pairs({Modality.TEXT: texts, Modality.IMAGE: images})

    found = {q.content_id: q.group for q in pairs.questions("image", 1.0, FittedOn())}

    assert found == {"i1": 1, "i2": 1, "i3": 1, "i4": 4}
    assert [pairs.component(item) for item in (1, 2, 3, 4, 5, 6)] == [1, 1, 1, 4, 5, 6]
