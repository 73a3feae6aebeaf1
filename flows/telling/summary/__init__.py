"""The page that a flow run shows when it ends: Markdown, in English and in Chinese.

A server keeps it for everybody who may look at it: of what a lake holds it has numbers, and names
of directions and encoders, alone; of a private one no place of the lake either.
"""

from __future__ import annotations

from flows.config.index import IndexResult
from flows.config.maintain import MaintainResult
from flows.config.train import PromoteResult
from flows.orchestration.run import Run
from flows.telling.summary.failed import of_failure as of_failure
from flows.telling.summary.indexed import indexed
from flows.telling.summary.line import message as message
from flows.telling.summary.maintained import maintained
from flows.telling.summary.trained import trained
from mmcore.specs import Spec


def of_result(result: Spec, run: Run) -> str:
    """The page of a run that ended well; "" of one that shows its own: an evaluation."""
    if isinstance(result, IndexResult):
        return indexed(result, run)
    if isinstance(result, MaintainResult):
        return maintained(result, run)
    return trained(result, run) if isinstance(result, PromoteResult) else ""
