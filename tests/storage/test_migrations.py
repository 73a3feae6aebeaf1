import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage.errors import CorruptLakeError, LakeVersionError
from storage.manifest import entry, read_manifest
from storage.migrations import OLDEST, STEPS, lifted
from storage.schemas import SCHEMA_VERSION
from storage.tables import read_parts
from storage.verification.verify import verify
from tests.factories import FUSION, IMAGES, PROJECTION, TEXTS, manifest, small_lake

KEY = "mmindex.schema_version"


@pytest.fixture
def path(tmp_path):
    """Where a manifest is written."""
    return tmp_path / "manifest.json"


def test_there_is_a_step_from_every_older_version():
    """From the oldest version on, each is lifted to the next one."""
    assert list(STEPS) == list(range(OLDEST, SCHEMA_VERSION))


def test_an_older_manifest_is_read_as_one_of_today(path):
    """It says the version of today and what it could not say has its default; its file stays."""
    older = json.loads(manifest(encoders=[IMAGES]).to_json()) | {"schema_version": 1}
    for name in ("dtype", "private", "reissued_at"):
        del older[name]
    path.write_text(json.dumps(older))

    read = read_manifest(path)

    assert read == manifest(encoders=[IMAGES])
    assert (read.schema_version, read.dtype, read.private) == (SCHEMA_VERSION, "float32", False)
    assert json.loads(path.read_text()) == older


def test_a_manifest_that_only_names_joined_encoders_is_read(path):
    """The first manifests knew no fingerprints of them: those of its own encoders are meant."""
    older = json.loads(manifest(encoders=[IMAGES, TEXTS], projection=PROJECTION).to_json())
    older["projection"]["encoders"] = [TEXTS.name]
    path.write_text(json.dumps(older | {"schema_version": 1}))

    assert read_manifest(path).projection.encoders == {TEXTS.name: TEXTS.fingerprint}


@pytest.mark.parametrize(
    ("name", "weights"), [("weighted", {"image": 2.0}), ("mean", {}), ("weighted", {})]
)
def test_a_manifest_that_names_no_weights_of_a_fusion_is_read(path, name, weights):
    """Version 3 had them in its specs alone; no fusion was trained then."""
    entry = FUSION.model_copy(update={"name": name})
    older = json.loads(manifest(fusion=entry).to_json())
    for late in ("version", "weights"):
        del older["fusion"][late]
    older["specs"] = {"fusion": {"name": name, "weights": weights}}
    path.write_text(json.dumps(older | {"schema_version": 3}))

    read = read_manifest(path).fusion
    assert (read.name, read.version, read.weights) == (name, None, weights)


@pytest.mark.parametrize("version", [0, -1, 99, 1.0, True, "1", None, [1]])
def test_a_version_that_is_not_known_is_refused(path, version):
    """A lake of another version is not called damaged: the error names all versions."""
    with pytest.raises(LakeVersionError) as caught:
        lifted({"schema_version": version, "new": 1}, path)

    error = caught.value
    assert (error.found, error.oldest, error.newest) == (version, OLDEST, SCHEMA_VERSION)
    assert all(part in str(error) for part in (str(path), repr(version), f"{OLDEST} to"))


def test_a_newer_version_asks_for_a_newer_mmindex(path):
    """The way out of a newer schema is an update, of an older one the old program."""
    newer, older = LakeVersionError(path, 99, 1, 2), LakeVersionError(path, 0, 1, 2)

    assert "update mmindex" in str(newer)
    assert "update mmindex" not in str(older)


@pytest.mark.parametrize("version", ["99", "0", "new"])
def test_a_part_of_an_unknown_schema_is_refused(tmp_path, version):
    """Its footer says under which version it was written; verify tells it as a finding."""
    snapshot = small_lake(tmp_path)
    name = snapshot.manifest.paths("segments/text")[0]
    table = pq.read_table(tmp_path / name)
    pq.write_table(table.replace_schema_metadata({KEY: version}), tmp_path / name)
    entries = [
        entry(tmp_path, tmp_path / file.path, {}) if file.path == name else file
        for file in snapshot.manifest.files
    ]
    changed = snapshot.manifest.model_copy(update={"files": entries})

    with pytest.raises(LakeVersionError) as caught:
        read_parts([tmp_path / name])
    told = {finding.path: finding.why for finding in verify(snapshot.layout, changed).findings}
    assert (caught.value.path, told[name]) == (tmp_path / name, caught.value.why)


def test_a_part_that_names_no_schema_is_no_part_of_a_lake(tmp_path):
    """Another program's Parquet file is not taken for ours."""
    pq.write_table(pa.table({"segment_id": [1]}), tmp_path / "part-1.parquet")

    with pytest.raises(CorruptLakeError):
        read_parts([tmp_path / "part-1.parquet"])
