"""A small lake with parts replaced, and what verifying finds there."""

from storage.tables import write_part
from storage.verification.verify import verify
from tests.factories import entries, small_lake


def all_findings(layout, manifest):
    """What verifying finds, as (path, why)."""
    return [(finding.path, finding.why) for finding in verify(layout, manifest).findings]


def findings(layout, manifest):
    """The same without the views, which follow a manifest that a test has changed."""
    return [one for one in all_findings(layout, manifest) if not one[0].endswith("views.sql")]


def replaced(layout, whole, path, table):
    """``whole`` with other rows in the file ``path``, as if they had been written there."""
    (layout.root / path).unlink()
    write_part(layout.root / path, table)
    files = [file for file in whole.files if file.path != path]
    return whole.model_copy(update={"files": files + entries(layout, [layout.root / path])})


def lake(tmp_path):
    """Layout and manifest of a small lake with dead rows."""
    snapshot = small_lake(tmp_path / "湖", dead=("old",))
    return snapshot.layout, snapshot.manifest
