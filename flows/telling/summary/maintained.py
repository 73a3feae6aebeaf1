"""The page of a run of `maintain`."""

from __future__ import annotations

from flows.config.maintain import MaintainResult
from flows.orchestration.run import Run
from flows.telling.summary.line import headline
from flows.telling.summary.marks import both, facts, places, plain, prose, section, stages


def maintained(result: MaintainResult, run: Run) -> str:
    """What went, what was merged, what stays."""
    merged = result.compacted.left_out
    rows = [
        (plain(kind), f"{files:,}", f"{result.bytes[kind] / 1e6:,.1f}")
        for kind, files in result.files.items()
    ]
    sign = "…" if result.status == "planned" else "✔"
    return "\n".join(
        [
            f"# {sign} {headline(result)}",
            "",
            *facts(_facts(result, run)),
            *prose(f"{both('left-out')}: {plain(merged)}" if merged else ""),
            *section("files", ("kind", "files", "megabytes"), rows),
            *stages(result.seconds),
        ]
    )


def _facts(result: MaintainResult, run: Run) -> dict[str, str]:
    merged = result.compacted
    parts = both("merged", before=merged.parts_before, after=merged.parts_after)
    waits = result.erasure is not None and not result.erasure.ended
    return {
        "stay": ", ".join(str(number) for number in result.kept if number != result.coming),
        "gone": ", ".join(map(str, result.gone)),
        "parts": parts if merged.parts_before else "",
        "erasure": "**!**" if waits else "",
        **places(run, None),
    }
