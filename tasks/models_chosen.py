"""Which models a person means: a version by its name, or those that served before."""

from __future__ import annotations

import logging

from mmcore.errors import ConfigError
from mmcore.fusion.base import PLAIN
from mmcore.fusion.models import FusionModel
from mmcore.specs import FusionSpec
from storage.errors import UnknownModelError
from storage.layout import Layout
from storage.manifest import FusionEntry, Manifest
from storage.snapshot import Snapshot
from tasks.fusing import Choice
from tasks.kept import newest, with_others
from tasks.models import FUSION, PROJECTION, Chosen, stored_fusion
from tasks.simple_fusions import check, simple
from tasks.training_report import ToldFusion, reports

log = logging.getLogger(__name__)


def named(name: str, published: Snapshot) -> Chosen:
    """What shall serve where a person says ``projection/p3``, ``fusion/f2`` or ``fusion/mean``.

    With a projection comes the fusion that it was published or trained with, with a fusion the
    projection that serves. Only the files of what shall serve are read. Raises UnknownModelError,
    CorruptLakeError where one is damaged, and ConfigError for a fusion that was trained in another
    space than the one that is served.
    """
    lake = published.layout
    check(lake, name)
    kind, _, version = name.partition("/")
    if kind == PROJECTION:
        return Chosen(version, _companion(lake, version))
    if kind == FUSION:
        spec = simple(version)
        choice = stored_fusion(lake, version) if spec is None else Choice(spec)
        _check_space(choice, published.manifest)
        serving = published.manifest.projection
        return Chosen(serving.version if serving else None, choice)
    raise ConfigError(f"{name} is no model that serves: name a {PROJECTION} or a {FUSION}")


def _check_space(choice: Choice, manifest: Manifest) -> None:
    if choice.files is None:  # it fuses in any space
        return
    space = FusionModel.from_files(choice.files).space
    if space != manifest.fused_of:
        raise ConfigError(
            f"{FUSION}/{choice.version} was trained in the space {space}, and items are fused in"
            f" {manifest.fused_of} now: promote the projection of that space first"
        )


def _companion(lake: Layout, version: str) -> Choice:
    """The fusion that went with a projection: in the newest snapshot of it, or in its training."""
    for manifest in newest(lake):
        if manifest.projection and manifest.projection.version == version and manifest.fusion:
            return _choice(lake, _told(manifest.fusion))
    trained = [report for report in reports(lake) if report.projection == version]
    found = trained[-1].fusion if trained else None
    return Choice(FusionSpec(name=PLAIN)) if found is None else _choice(lake, found)


def _told(entry: FusionEntry) -> ToldFusion:
    return ToldFusion(name=entry.name, version=entry.version, weights=entry.weights)


def _choice(lake: Layout, told: ToldFusion) -> Choice:
    """A fusion that a manifest or a report names; the mean where its model is not there."""
    try:
        return _stored(lake, told)
    except UnknownModelError:
        log.warning("%s/%s is not there any more: items get their mean", FUSION, told.version)
        return Choice(FusionSpec(name=PLAIN))


def _stored(lake: Layout, told: ToldFusion) -> Choice:
    if told.version is None:
        return Choice(FusionSpec(name=told.name, weights=told.weights))
    return stored_fusion(lake, told.version)


def before(published: Snapshot) -> Chosen:
    """The models of the newest kept snapshot, by parents, that served others than serve now.

    ConfigError where none of the kept snapshots did, CorruptLakeError where one of these models is
    damaged.
    """
    return _of(with_others(published.layout, published.manifest), published.layout)


def _of(manifest: Manifest, lake: Layout) -> Chosen:
    projection, fusion = manifest.projection, manifest.fusion
    choice = Choice(FusionSpec()) if fusion is None else _stored(lake, _told(fusion))
    return Chosen(projection.version if projection else None, choice)


def settled(choice: Choice, candidate: Manifest) -> Choice:
    """``choice`` where it fits the candidate's shared space, else the mean, and that is said."""
    if choice.files is None:
        return choice
    space = FusionModel.from_files(choice.files).space
    if space == candidate.fused_of:
        return choice
    log.warning("the fusion %s was trained in %s: items get their mean", choice.version, space)
    return Choice(FusionSpec(name=PLAIN))
