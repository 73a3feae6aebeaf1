"""Two snapshots, or candidates, measured by the same queries: a plain call that writes nothing."""

from __future__ import annotations

from flows.config.evaluate import EvaluateConfig
from flows.stages.gating import rules_for
from mmcore.embedding.embed import releasing
from mmcore.errors import ConfigError
from mmcore.evaluation.scores import GateVerdict
from storage.layout import Layout
from storage.manifest import Manifest
from storage.snapshot import Snapshot
from tasks.examining import Exam, examined
from tasks.models import evaluation_spec, fit_spec, workplace_of


def compared(config: EvaluateConfig, before: Manifest, after: Manifest) -> GateVerdict:
    """How the gate would judge ``after`` if ``before`` served; ConfigError where it cannot."""
    lake = Layout(config.lake_root())
    one, other = Snapshot.of(lake, before), Snapshot.of(lake, after)
    work = workplace_of(other, config.runtime)
    gate = rules_for(config.gate, after, lake).model_copy(update={"enabled": True})
    exam = Exam(evaluation_spec(after), fit_spec(after), gate, "evaluate")
    with releasing():
        _, verdict, both = examined(after, one, exam, work, keep=False)
    if both.why:
        raise ConfigError(f"they cannot be compared: {both.why}")
    return verdict
