import copy

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcore.errors import (
    DiskSpaceError,
    MediaError,
    TooManyBadFilesError,
    UnknownPluginError,
)
from storage import schemas
from storage.errors import LakeLockedError

TEXTS = st.text(max_size=12)


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_an_id_tells_its_parts_apart(one, other):
    """Equal parts give equal ids; other parts, also the same letters cut elsewhere, others."""
    assert (schemas.stable_id(*one) == schemas.stable_id(*other)) == (one == other)


@given(st.lists(TEXTS, max_size=4))
def test_an_id_fits_a_signed_integer(parts):
    """Parquet's and FAISS's int64 hold every id, and no id is negative."""
    assert 0 <= schemas.stable_id(*parts) < 2**63


def test_ids_are_the_same_on_every_machine():
    """An id that is written down here is the one that lakes have; changing it orphans them."""
    assert schemas.item_id("media", "animals/cat") == 2339565736642864803
    assert schemas.segment_id("c", "self", "whole", None) == 861175482928692473
    assert schemas.content_id(b"cat") == "4321c228dc684ef30fe2db60117c005d"


def test_a_name_that_is_not_utf8_has_an_id():
    """A key with the bytes that a file system gave is hashed by those bytes."""
    odd = b"caf\xe9".decode("utf-8", "surrogateescape")

    assert schemas.item_id("root", odd) != schemas.item_id("root", "caf")


@given(st.dictionaries(TEXTS, st.integers(), max_size=5))
def test_a_digest_does_not_know_the_order_of_keys(value):
    """The same JSON in another order has the same digest."""
    assert schemas.digest(value) == schemas.digest(dict(reversed(list(value.items()))))


@pytest.mark.parametrize(
    "error",
    [
        MediaError("image", "truncated", "ends early"),
        TooManyBadFilesError(3, 4, 0.5, "a.jpg"),
        UnknownPluginError("encoder", "x", ["a", "b"]),
        DiskSpaceError("lake", 2, 1),
        LakeLockedError("lake", "somebody"),
    ],
)
def test_an_error_crosses_processes_whole(error):
    """An error of a worker process arrives with its class, its message and its facts."""
    arrived = copy.copy(error)  # by the __reduce__ that a worker process goes by

    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert arrived.__dict__ == error.__dict__


def test_an_id_is_made_of_the_box_too():
    """Two regions of one page are two segments; a stored box gives the same id again."""
    place = ("c", "self", "region", (2.0, 3.0, "page"))
    one = schemas.segment_id(*place, (0.0, 0.1, 0.5, 1.0))

    stored = pa.array([[0, 0.1, 0.5, 1]], schemas.BOX)[0].as_py()

    assert schemas.segment_id(*place, tuple(stored)) == one
    assert schemas.segment_id(*place, (0, np.float64(0.1), 0.5, 1)) == one
    assert len({one, schemas.segment_id(*place), schemas.segment_id(*place, (0, 0, 1, 1))}) == 3


@pytest.mark.parametrize("source", ["subtitle:0", "ocr@self", "asr@track:0"])
def test_what_is_read_or_heard_is_no_caption(source):
    """Only what somebody wrote about an item says what the item is."""
    assert not schemas.is_caption(source)
    assert schemas.is_caption("self")
    assert schemas.is_caption("page:2")


def test_a_box_is_no_vector():
    """Both are lists of a fixed length; a vector's row group is bounded by its numbers."""
    assert schemas.is_vector(schemas.vector_type(4))
    assert schemas.is_vector(schemas.vector_type(4, "float16"))
    assert not schemas.is_vector(schemas.BOX)
