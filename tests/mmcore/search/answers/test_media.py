"""Which media answer, and what is said of those that do not."""

import pytest

from mmcore.errors import ConfigError, SpaceMismatchError
from mmcore.search.opened.opened import Opened
from mmcore.search.opened.stored import Stored
from mmcore.search.planning.indexes import Indexes
from mmcore.search.planning.planner import Planner
from mmcore.search.ranking.weights import Weights
from mmcore.search.request import Part
from storage.manifest import ProjectionEntry
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests.mmcore.search.answers.asking import AUDIO, IMAGE, TEXT, asked, keys


def test_several_media_are_one_list(lake):
    """An item comes once; each medium that speaks for it is named, the stronger one first."""
    answer = lake.answer(asked("a red wall", modalities=(IMAGE, TEXT), words=0, k=3))
    hit = answer.hits[0]

    assert {*keys(answer)[:2]} == {"red-1", "red-2"}
    assert {reason.by for reason in hit.why} == {"image", "text"}
    assert hit.segment_id == hit.why[0].segment_id
    assert hit.modality == hit.why[0].by
    assert len({*keys(answer)}) == 3


def test_a_medium_that_cannot_be_asked_is_left_out_and_said(plain):
    """Sounds lie in a space of their own: pictures answer, and a note says why alone."""
    answer = plain.answer(asked("red", modalities=(IMAGE, AUDIO), words=0, k=2))

    assert {*keys(answer)} == {"red-1", "red-2"}
    assert any("audio cannot be found by text" in note for note in answer.notes)
    with pytest.raises(SpaceMismatchError):
        plain.answer(asked("red", modalities=(AUDIO,), words=0))


def test_what_words_alone_found_is_said(lake):
    """Sounds cannot be compared with a text here, and words bring them up all the same."""
    (note,) = lake.answer(asked("sound", modalities=(AUDIO,))).notes

    assert note == (
        "audio was searched by words alone: it can be compared with text once 16 items or so"
        " have both"
    )
    assert note.said("zh").startswith("声音只按词语搜索")


def test_nothing_found_says_why(lake):
    """A condition that nothing passes, and a page beyond the last one; else nothing is said."""

    def notes(**options):
        return lake.answer(asked("red", words=0, **options)).notes

    assert notes(where="key = 'nowhere'") == ("no item passes the condition",)
    assert notes(offset=500) == ("there are 17 answers in all: go back a page, or skip fewer",)
    assert notes(where="key = 'red-1'", offset=500) == (
        "there is 1 answer in all: go back a page, or skip fewer",
    )
    assert notes(where="key = 'red-1'") == notes(offset=1) == ()


def test_what_class_names_lead_is_said(plain):
    """Of the medium that is asked for, until captions have been learned from."""

    def notes(state, **options):
        manifest = plain.snapshot.manifest
        (name,) = {one.name for one in manifest.encoders if one.modality == IMAGE}
        states = {"states": {name: state}}
        joined = manifest.projection or ProjectionEntry(
            space="s", version="p1", dim=8, encoders={}
        )
        told = manifest.model_copy(update={"projection": joined.model_copy(update=states)})
        opened = Opened(Snapshot(plain.snapshot.layout, told))
        planner = Planner(opened, Indexes(opened, plain._asker, Stored(opened)), Weights())
        entries = [one for one in manifest.indexes if one.modality == options["medium"]]
        return planner._by_class_names(entries, options["parts"])

    text, vector = (Part(text="red"),), (Part(vector=(1.0,) * 8),)
    (note,) = notes("label", medium=IMAGE, parts=text)
    assert note.startswith("image is found by class names alone, until 16 ")
    assert notes("fitted", medium=IMAGE, parts=text) == []
    assert notes("label", medium=TEXT, parts=text) == []
    assert notes("label", medium=IMAGE, parts=vector) == []


def test_a_medium_that_the_lake_has_not_is_left_out_and_said(lake):
    """It is an error where nothing else was asked for."""
    answer = lake.answer(asked("red", modalities=(Modality.VIDEO, IMAGE), k=1))

    assert any("no video index" in note for note in answer.notes)
    with pytest.raises(ConfigError, match="no video index"):
        lake.answer(asked("red", modalities=(Modality.VIDEO,), words=0))


def test_another_kind_than_whole_items_is_said(plain):
    """A sound that cannot meet whole items searches sounds."""
    path = str(plain.snapshot.layout.root.parent / "media" / "s.wav")
    answer = plain.answer(asked(Part(media=path)))

    assert keys(answer) == ["sound"]
    assert any("audio was searched" in note for note in answer.notes)
