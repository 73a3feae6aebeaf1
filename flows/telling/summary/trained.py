"""The page of a training, and of a promotion."""

from __future__ import annotations

from flows.config.train import PromoteResult, TrainResult
from flows.orchestration.run import Run
from flows.telling.summary.line import headline
from flows.telling.summary.marks import counted, facts, places, plain, prose, scores, stages


def trained(result: PromoteResult, run: Run) -> str:
    """What came of it, what it was compared with, and why it serves or does not."""
    sign = {"promoted": "✔", "unchanged": "✔", "refused": "✘"}.get(result.status, "…")
    return "\n".join(
        [
            f"# {sign} {headline(result)}",
            "",
            *facts(_facts(result, run)),
            *prose("" if run.private else plain(result.reason)),
            *scores(result.scores),
            *stages(result.seconds),
        ]
    )


def _facts(result: PromoteResult, run: Run) -> dict[str, str]:
    compared = ""
    if result.before is not None and result.after is not None:
        compared = f"{result.before:.4f} → {result.after:.4f}"
    learned = counted(result.pairs) if isinstance(result, TrainResult) else ""
    models = ", ".join(map(plain, result.models)) if isinstance(result, TrainResult) else ""
    return {
        "models": models,
        "projection": plain(result.projection or ""),
        "fusion": plain(result.fusion or ""),
        "learned": learned,
        "compared": compared,
        **places(run, result.report),
    }
