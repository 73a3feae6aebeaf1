"""What programs are told of a hit."""

from mmcore.search.http.shapes.hits import HitShape
from mmcore.search.showing.fields import hit_fields, rounded
from mmcore.types import Hit, Reason, Span
from storage.schemas import Modality

BOX = (0.25, 0.0, 0.75, 0.5)
HIT = Hit(
    item_id=2**62 + 1,
    key="cat",
    score=0.123456789,
    segment_id=7,
    modality=Modality.IMAGE,
    span=Span(0.0, 1.0, "box", BOX),
    why=(Reason("words", 1.23456789, words=("cat",)), Reason("image", 0.5, 8)),
)


def test_ids_are_texts_and_scores_have_six_places():
    """JavaScript's numbers are exact to 2^53 only; further places say nothing."""
    told = hit_fields(HIT, lambda span: span and span.unit)

    assert (told["item_id"], told["segment_id"]) == ("4611686018427387905", "7")
    assert (told["score"], told["span"], told["box"]) == (0.123457, "box", list(BOX))
    assert [(one["by"], one["score"], one["segment_id"]) for one in told["why"]] == [
        ("words", 1.234568, None),
        ("image", 0.5, "8"),
    ]
    assert rounded({"plan": 0.1234567}) == {"plan": 0.123457}


def test_what_the_command_line_tells_http_tells_too():
    """Each field of a hit is said by both, under one name and with one value."""
    told = hit_fields(HIT, lambda span: None)
    shape = HitShape(**told)

    assert shape.item_id == HIT.item_id
    assert {name: shape.model_dump(mode="json")[name] for name in told} == told
