"""Whether what a training came to is stored already; a model is the same whatever its version."""

from __future__ import annotations

from mmcore.encoders.projections import Projection
from mmcore.fusion.base import Files
from mmcore.fusion.models import FusionModel
from mmcore.search.opened.models import fusion_files, spec_of
from mmcore.specs import FusionSpec
from storage.intact_models import alike
from storage.layout import Layout
from storage.snapshot import Snapshot
from tasks.fusing import Choice
from tasks.kept import newest
from tasks.models import FUSION, PROJECTION


def stored_projection(trained: Projection, files: Files, lake: Layout) -> str | None:
    """The newest stored version that places everything as ``trained``, of the same pairs."""
    for version, known in alike(lake, PROJECTION, files, newest(lake)):
        if trained.same_as(Projection.from_files(known)):
            return version
    return None


def stored_fusion(spec: FusionSpec, files: Files, lake: Layout) -> Choice | None:
    """The newest stored version that is the fusion of ``files`` and learned from the same."""
    for version, known in alike(lake, FUSION, files, newest(lake)):
        if _same(files, known):
            return Choice(spec, version, known)
    return None


def serving_fusion(files: Files, published: Snapshot) -> Choice | None:
    """The fusion that serves, where it is the one of ``files`` and learned from the same."""
    entry, known = published.manifest.fusion, fusion_files(published)
    if entry is None or known is None or not _same(files, known):
        return None
    return Choice(spec_of(entry), entry.version, known)


def _same(files: Files, known: Files) -> bool:
    one, other = FusionModel.from_files(files), FusionModel.from_files(known)
    mine, theirs = one.told["fitted_on"], other.told["fitted_on"]
    return (one.fingerprint, mine) == (other.fingerprint, theirs)
