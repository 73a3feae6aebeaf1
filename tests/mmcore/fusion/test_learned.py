import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load, save

from mmcore.errors import ConfigError
from mmcore.fusion.base import fusion_of
from mmcore.fusion.learned import BLOCK, LEARNED, of_model
from mmcore.fusion.models import TENSORS, FusionModel
from mmcore.specs import FusionSpec
from mmcore.types import unit_rows
from storage.schemas import is_record
from tests.fusions import fusion_model

KINDS = pytest.mark.parametrize("kind", LEARNED)


def some(n, seed=0, dim=6):
    """(n, 4, dim) unit vectors, and which are there."""
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.standard_normal((n * 4, dim))).reshape(n, 4, dim)
    has = rng.random((n, 4)) < 0.6
    has[~has.any(axis=1), 0] = True
    return vectors, has


@KINDS
def test_an_untrained_network_is_the_mean(kind):
    """What is learned starts where nothing is: with the mean, and shares alike."""
    fused = of_model(fusion_model(kind, spread=0)).fuse(*some(50))
    mean = fusion_of(FusionSpec(name="mean")).fuse(*some(50))

    np.testing.assert_allclose(fused[0], mean[0], atol=1e-6)
    np.testing.assert_allclose(fused[1], mean[1], atol=1e-6)


@KINDS
def test_a_trained_network_is_not(kind):
    """Weights differ, and so do vectors of several modalities."""
    vectors, has = some(50)
    fused, weights = of_model(fusion_model(kind)).fuse(vectors, has)
    mean, _ = fusion_of(FusionSpec(name="mean")).fuse(vectors, has)
    several = has.sum(axis=1) > 1

    assert np.abs(fused[several] - mean[several]).max() > 0.01
    assert weights[several].std() > 0.01


@KINDS
def test_a_row_is_the_same_in_any_batch(kind):
    """Rows that a later run keeps are those that it would have made, but for a last bit."""
    vectors, has = some(BLOCK + 40)
    fusion = of_model(fusion_model(kind))
    whole, _ = fusion.fuse(vectors, has)

    for rows in ([7], [BLOCK + 1], list(range(BLOCK + 39, 10, -3))):
        part, _ = fusion.fuse(vectors[rows], has[rows])
        np.testing.assert_allclose(part, whole[rows], atol=1e-7)
        np.testing.assert_array_equal(part, fusion.fuse(vectors[rows], has[rows])[0])


@KINDS
def test_one_modality_alone_stays_to_the_last_bit(kind):
    """A query of one medium and an item of that medium have equal vectors."""
    vectors, _ = some(4)
    fused, _ = of_model(fusion_model(kind)).fuse(vectors, np.eye(4, dtype=bool))

    np.testing.assert_array_equal(fused, vectors[np.arange(4), np.arange(4)])


@KINDS
def test_files_bring_back_the_same_fusion(kind):
    """What is written and read again fuses alike, and has the same fingerprint."""
    model = fusion_model(kind, seed=3)
    again = FusionModel.from_files(model.to_files("card"))

    assert (again.kind, again.version, again.space, again.dim) == (kind, "f1", "s", 6)
    assert (again.told["seed"], again.fingerprint) == (3, model.fingerprint)
    one, other = (of_model(m).fuse(*some(9))[0] for m in (model, again))
    np.testing.assert_array_equal(one, other)


@KINDS
def test_what_it_was_trained_on_decides_no_vector(kind):
    """An erasure writes another record, and fused vectors stay: the fingerprint does."""
    before = fusion_model(kind, fitted_on={"contents": ["a"], "captions": []})

    assert before.fingerprint == fusion_model(kind).fingerprint
    assert before.fingerprint != fusion_model(kind, spread=0.4).fingerprint
    assert before.fingerprint != fusion_model(kind, space="other").fingerprint


@KINDS
def test_without_a_model_it_says_how_to_get_one(kind):
    """The way out is named, before any work."""
    with pytest.raises(ConfigError, match="mmindex train"):
        fusion_of(FusionSpec(name=kind))
    with pytest.raises(ConfigError, match="weighted"):
        fusion_of(FusionSpec(name=kind, weights={"image": 2}))


RECORDS = {  # what is wrong with the record: bytes, and what stands in their place
    "format": (b'"format": 1', b'"format": 9'),
    "another kind": (b'"fusion": "mlp"', b'"fusion": "attention"'),
    "a wide network": (b'"dim": 6', b'"dim": 6000000'),
    "no network": (b'"hidden"', b'"hid"'),
    "no JSON": (b"{", b""),
    "a network of no kind": (b'"network": {', b'"network": [], "old": {'),
    "a negative layer": (b'"dim": 6', b'"dim": -6'),
    "words for numbers": (b'"dim": 6', b'"dim": "6"'),
}


def spoiled(what):
    """The files of a model with something wrong."""
    files = fusion_model("mlp").to_files("card")
    name = next(name for name in files if is_record(name))
    record, tensors = files[name], files[TENSORS]
    if what in RECORDS:
        assert RECORDS[what][0] in record
        return {**files, name: record.replace(*RECORDS[what])}
    loaded = load(tensors)
    changes = {
        "NaN": {TENSORS: save({n: t * np.float32(np.nan) for n, t in loaded.items()})},
        "halves": {TENSORS: save({n: t.astype(np.float16) for n, t in loaded.items()})},
        "no record": {name: None},
        "two records": {"config.json": record},
        "a list": {name: b"[]"},
        "no tensors": {TENSORS: None},
        "cut tensors": {TENSORS: tensors[:40]},
    }
    return {n: content for n, content in {**files, **changes[what]}.items() if content is not None}


OTHERS = ("NaN", "halves", "no record", "two records", "a list", "no tensors", "cut tensors")


@pytest.mark.parametrize("what", [*RECORDS, *OTHERS])
def test_damaged_files_are_told_in_one_line(what):
    """No traceback of a library, and nothing is made as large as a record claims."""
    with pytest.raises(ConfigError) as caught:
        fusion_of(FusionSpec(name="mlp"), spoiled(what))

    assert "\n" not in str(caught.value)


def test_vectors_of_another_length_are_refused():
    """A model of one space is not applied in another."""
    with pytest.raises(ValueError, match="trained on 6"):
        of_model(fusion_model("mlp")).fuse(*some(2, dim=8))


def test_the_modules_of_fusions_import_no_torch():
    """The command line, and a search in a lake, load it only where something is fused."""
    code = (
        "import sys; import mmcore.fusion.learned, mmcore.fusion.concat;"
        " import mmcore.search.opened.models, mmcore.training.fusing.spec;"
        " sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
