import numpy as np
import pytest

from mmcore.errors import TrainingError
from mmcore.training.fusing.contents import contents_of
from mmcore.training.fusing.questions import drawn, every_question, whole
from mmcore.training.rows import Rows
from mmcore.training.unseen import Unseen
from mmcore.types import unit_rows
from storage.schemas import Modality

X, Y, Z = np.eye(3, dtype=np.float32)


def every(contents):
    """A mask of all items."""
    return np.ones(len(contents), dtype=bool)


def rows(*told, derived=None):
    """Of (item, content, text or None, language or None, vector)."""
    items, contents, texts, languages, vectors = zip(*told, strict=True)
    return Rows(
        np.array(items),
        np.arange(len(told)),
        contents,
        languages,
        texts,
        unit_rows(np.array(vectors)),
        derived=derived,
    )


def two_items():
    """Item 1: a picture of two segments, two captions; item 2: a picture, a caption as item 1."""
    return {
        Modality.IMAGE: rows((1, "i1", None, None, X), (1, "i1", None, None, Y), (2, "i2", *_, Z)),
        Modality.TEXT: rows(
            (1, "e1", "A cat", "en", X), (1, "z1", "一只猫", "zh", Y), (2, "e2", "a cat.", "en", Z)
        ),
    }


_ = (None, None)


def test_segments_of_one_content_count_as_one():
    """A picture's two segments have one row, half-way between them."""
    contents, _ = contents_of(two_items())

    assert contents.item_ids.tolist() == [1, 2]
    assert contents.content_ids == ("i1", "e1", "z1", "i2", "e2")
    assert contents.sides == ("image", "text:en", "text:zh", "image", "text:en")
    assert contents.vectors[0] == pytest.approx([0.5**0.5, 0.5**0.5, 0])


def test_items_of_one_caption_are_one_group_and_fold():
    """Captions are compared by their keys, so case and stops do not matter."""
    contents, captions = contents_of(two_items())

    assert contents.groups.tolist() == [0, 0]
    assert len(captions) == 2
    for folds in (2, 3, 5):
        assert len(set(contents.fold(folds).tolist())) == 1


def test_every_content_asks_alone_and_every_two_of_different_sides():
    """What is sought is the item without them; where nothing is left, nothing is asked."""
    contents, _ = contents_of(two_items())
    questions = every_question(contents, every(contents))

    asked = sorted(zip(questions.items.tolist(), questions.kinds, strict=True))
    assert asked == [
        (0, "image"),
        (0, "image+text:en"),
        (0, "image+text:zh"),
        (0, "text:en"),
        (0, "text:en+text:zh"),
        (0, "text:zh"),
        (1, "image"),
        (1, "text:en"),
    ]
    for number in range(len(questions)):
        own = questions.asked[1][questions.asked[0] == number].tolist()
        sought = questions.sought[1][questions.sought[0] == number].tolist()
        assert sought
        assert not set(own) & set(sought)


def test_a_caption_never_seeks_itself_nor_a_content_its_other_medium():
    """Equal captions of one item, and the sound and the frames of one video, go together."""
    found, _ = contents_of(
        {
            Modality.TEXT: rows((1, "a", "Cat", "en", X), (1, "b", "cat", "en", Y)),
            Modality.AUDIO: rows((2, "v", None, None, X)),
            Modality.VIDEO: rows((2, "v", None, None, Y)),
        }
    )

    assert len(every_question(found, every(found))) == 0
    assert found.learnable().tolist() == [False, False]


def test_texts_that_were_read_or_heard_are_sought_but_do_not_ask():
    """No measured query is made of them, so nothing is trained to answer them."""
    texts = rows(
        (1, "i1", "STOP", "en", X), (1, "e1", "A sign", "en", Y), derived=np.array([True, False])
    )
    contents, captions = contents_of(
        {Modality.IMAGE: rows((1, "i2", None, None, Z)), Modality.TEXT: texts}
    )

    assert contents.asks.tolist() == [True, True, False]  # by column, then content
    assert set(every_question(contents, every(contents)).kinds) == {
        "image",
        "text:en",
        "image+text:en",
    }
    assert len(captions) == 1


def test_drawn_questions_are_decided_by_the_seed():
    """One of each item, and never one that seeks nothing."""
    contents, _ = contents_of(two_items())
    made = [
        drawn(contents, [0, 1] * 20, 0.5, np.random.default_rng(seed)).kinds for seed in (1, 1, 2)
    ]

    assert made[0] == made[1] != made[2]
    assert len(made[0]) == 40
    assert any("+" in kind for kind in made[0])


def test_an_item_is_stacked_as_a_fusion_takes_it():
    """Captions of two languages are one text: half-way between them."""
    contents, _ = contents_of(two_items())
    vectors, has = whole(contents, every(contents))

    assert has.tolist() == [[True, True, False, False]] * 2
    assert vectors[0, 1] == pytest.approx([0.5**0.5, 0.5**0.5, 0])
    assert not vectors[:, 2:].any()


def test_taking_items_takes_their_rows():
    """Places are counted anew."""
    contents, _ = contents_of(two_items())
    second = contents.take(np.array([False, True]))

    assert (second.item_ids.tolist(), second.items.tolist()) == ([2], [0, 0])
    assert second.content_ids == ("i2", "e2")


def test_a_vector_that_is_no_number_stops_the_training():
    """Before any work, with the modality."""
    bad = two_items()
    bad[Modality.IMAGE].vectors[1, 0] = np.nan

    with pytest.raises(TrainingError, match="image"):
        contents_of(bad)


def test_contents_lie_where_they_are_said_to():
    """As new where a projection that had not seen them puts them, and settled as the lake does."""
    told = Unseen({"image": {"i2": X, "another": Y}, "text": {"i2": Y}}, {2: 3})
    contents, _ = contents_of(two_items(), told)

    assert contents.vectors[3].tolist() == X.tolist()
    assert contents.settled[3].tolist() == Z.tolist()
    assert np.array_equal(np.delete(contents.vectors, 3, 0), np.delete(contents.settled, 3, 0))
    assert contents.placed_by.tolist() == [-1, 3]
    new = np.array([False, True])
    assert whole(contents, new)[0][1, 0].tolist() == X.tolist()
    assert whole(contents, ~new)[0][1, 0].tolist() == Z.tolist()


def test_parts_are_the_folds_of_the_projections():
    """Items that none of them placed go by hash, within as many parts."""
    vectors = {"image": {"i1": X, "i2": X}}
    plain, _ = contents_of(two_items())
    one, _ = contents_of(two_items(), Unseen(vectors, {1: 4}))
    both, _ = contents_of(two_items(), Unseen(vectors, {1: 4, 2: 0}))

    assert plain.parts(3).tolist() == plain.fold(3).tolist()
    assert one.parts(3).tolist() == [4, int(plain.fold(5)[1])]
    assert both.parts(3).tolist() == [4, 0]


def test_places_of_another_space_are_refused():
    """Their length tells."""
    with pytest.raises(ValueError, match="2 numbers for rows of 3"):
        contents_of(two_items(), Unseen({"image": {"i1": X[:2]}}))


def test_a_caption_of_very_many_items_does_not_ask():
    """It tells none of them from the others, and they are as many groups as before."""
    count = 30
    texts = rows(
        *((i, f"e{i}", f"thing {i}", "en", X) for i in range(count)),
        *((i, "z", "图片", "zh", Y) for i in range(count)),
    )
    contents, _ = contents_of({Modality.TEXT: texts})

    assert len(set(contents.groups.tolist())) == count
    assert set(every_question(contents, every(contents)).kinds) == {"text:en"}


def test_items_that_share_a_picture_are_in_one_group():
    """Captions alone would part them, and one fold would know the other's picture."""
    pictures = rows(*((i, f"i{max(i, 1)}", None, None, X) for i in range(12)))
    texts = rows(*((i, f"e{i}", f"thing {i}", "en", Y) for i in range(12)))
    contents, _ = contents_of({Modality.IMAGE: pictures, Modality.TEXT: texts})

    assert contents.groups.tolist() == [0, *range(11)]
    assert contents.folds_by[0] == contents.folds_by[1]
