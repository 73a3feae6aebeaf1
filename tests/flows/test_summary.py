"""The pages that runs show of themselves: what they say, and what they do not."""

from pathlib import Path

import pytest

from flows.config.evaluate import EvaluateResult
from flows.config.index import IndexResult, StageWork
from flows.config.maintain import Compacted, MaintainResult
from flows.config.train import PromoteResult, TrainResult
from flows.orchestration.run import Ending, Run
from flows.telling.summary import message, of_failure, of_result
from mmcore.errors import PublicationBlockedError, SourceError, UntoldError
from mmcore.evaluation.scores import Finding
from storage.errors import CorruptLakeError

OPEN = Run("index-media", "/srv/lake", "ab12", private=False)
PRIVATE = Run("index-media", "mmindex.lake.ab12", "ab12", private=True)
WORK = StageWork(
    segments=480,
    seconds=12.3,
    rate=39.0,
    model_seconds=10.0,
    busy=0.88,
    waited=0.7,
    batches={16: 30},
    devices=("cpu", "cpu"),
    dtype="bfloat16",
)
INDEXED = IndexResult(
    status="published",
    lake="/srv/lake",
    snapshot=3,
    verdict="warn",
    baseline=2,
    why="a reason | with a bar",
    findings=(
        Finding(
            kind="worse",
            subject="text:en→image",
            measure="RR",
            action="warn",
            before=0.4,
            after=0.3,
            directions=["text:en→image"],
        ),
    ),
    items=42,
    items_added=2,
    items_gone=1,
    items_changed=3,
    files={"image": 40, "text": 1200},
    new={"e5-small": 2},
    kept={"e5-small": 1198},
    segments={"text": 1200},
    quarantined={"truncated": 3, "empty": 5},
    examples={"holiday/anna.jpg": "truncated"},
    waiting=4,
    scores={"text:en→image": {"RR": 0.5, "Success@10": 0.75}},
    seconds={"walk": 1.0, "embed image": 12.3},
    work={"e5-small": WORK},
    report="/srv/lake/reports/3/report.html",
)


def test_the_page_of_an_index_run_has_what_it_did():
    """Files, changes, gate, places, quarantine by reason, rates, scores and stages."""
    page = of_result(INDEXED, OPEN)

    assert page.splitlines()[0] == "# ✔ Snapshot 3 serves · 快照 3 提供服务"
    for row in (
        "| Files · 文件 | 40 image, 1,200 text |",
        "| Changed · 变化 | items: 2 new, 1 gone, 3 changed · "
        "条目：新增 2 个，移除 1 个，改动 3 个 |",
        "| Gate · 闸门 | **warn · 警告**, compared with snapshot 2 · 与快照 2 比较 |",
        "| Wait for the next run · 等待下次运行 | 4 |",
        "| `empty` | 5 |\n| `truncated` | 3 |",
        "| e5-small | 480 | 39.0 | 88% | 0.7 | cpu bfloat16 |",
        "| text:en→image | – | 0.750 | 0.500 |",
        "| embed image · 嵌入图片 | 12.3 |",
        "| Lake · 数据湖 | `/srv/lake` |",
        "| Report · 报告 | `/srv/lake/reports/3/report.html` |",
        "a reason \\| with a bar",
    ):
        assert row in page
    assert "- " in page.split("Findings")[1]


@pytest.mark.parametrize("run", [OPEN, PRIVATE])
def test_no_file_is_named(run):
    """Everybody who sees the server may read it."""
    assert "anna" not in of_result(INDEXED, run)


def test_the_page_of_a_private_lake_says_no_place_and_no_reason():
    """A hash names it, as in events."""
    page = of_result(INDEXED, PRIVATE)

    assert "/srv" not in page
    assert "a reason" not in page
    assert "`mmindex.lake.ab12`" in page


@pytest.mark.parametrize(
    ("status", "head"),
    [("unchanged", "# ✔ Nothing changed"), ("planned", "# … Dry run")],
)
def test_a_run_that_did_nothing_says_so(status, head):
    """A dry run has no scores and no seconds."""
    page = of_result(INDEXED.model_copy(update={"status": status}), OPEN)

    assert page.startswith(head)
    assert ("## Stages" in page) == (status != "planned")


def test_the_page_of_maintain_has_what_went():
    """By kind, and what was merged."""
    result = MaintainResult(
        status="removed",
        lake="/srv/lake",
        snapshot=9,
        kept=(8, 9),
        gone=(1,),
        files={"cells": 12},
        bytes={"cells": 5_000_000},
        compacted=Compacted(parts_before=48, parts_after=2),
        seconds={"survey": 0.5},
    )

    page = of_result(result, OPEN)

    assert page.startswith("# ✔ Removed 12 files, 5.0 MB")
    for row in ("| cells | 12 | 5.0 |", "48 into 2", "| 8, 9 |", "| survey · 盘点 | 0.5 |"):
        assert row in page


def test_one_file_is_no_files():
    """In the head of the page of `maintain`."""
    one = MaintainResult(
        status="removed", lake="l", snapshot=9, kept=(9,), files={"cells": 1}, bytes={"cells": 900}
    )

    assert of_result(one, OPEN).startswith("# ✔ Removed 1 file, 0.0 MB")


def test_no_place_is_a_link():
    """From a server's page no browser follows an address of a file: it is a path to copy."""
    assert "](" not in of_result(INDEXED, OPEN)
    assert "file:" not in of_result(INDEXED, OPEN)


def test_maintain_says_why_it_did_not_compact():
    """Below the table, whose cells are cut."""
    result = MaintainResult(
        status="unchanged",
        lake="/srv/lake",
        snapshot=9,
        kept=(9,),
        compacted=Compacted(left_out="as told"),
    )

    assert "\nNot compacted · 没有合并: as told\n" in of_result(result, OPEN)


def test_the_page_of_a_training_has_what_it_was_compared_with():
    """And of a private lake no reason in words."""
    result = TrainResult(
        status="refused",
        lake="/srv/lake",
        snapshot=2,
        projection="p2",
        reason="what serves is better",
        before=0.5,
        after=0.4,
        models=("projection/p2",),
        pairs={"logmel": 120},
    )

    page = of_result(result, OPEN)

    assert page.startswith("# ✘ Not promoted: snapshot 2 still serves")
    for part in ("projection/p2", "120 logmel", "0.5000 → 0.4000", "what serves is better"):
        assert part in page
    assert "better" not in of_result(result, PRIVATE)


def test_a_promotion_has_a_page_too_and_an_evaluation_its_own_artifacts():
    """Scores, verdict and trend are those of `tasks.artifacts`."""
    promoted = PromoteResult(status="promoted", lake="/srv/lake", snapshot=4)
    evaluated = EvaluateResult(status="pass", lake="/srv/lake", snapshot=4, run="r")

    assert of_result(promoted, OPEN).startswith("# ✔ Promoted: snapshot 4 serves")
    assert of_result(evaluated, OPEN) == ""


def test_the_page_of_a_failure_says_what_serves_and_what_to_do():
    """The error's kind, words and exit code."""
    page = of_failure(OPEN, Ending.by(SourceError("the root *photos* is empty"), OPEN))

    assert page.startswith("# ✘ The run failed · 运行失败")
    for part in ("SourceError", "| 5 |", "the root \\*photos\\* is empty", "serves on"):
        assert part in page


def test_of_a_damaged_lake_no_page_promises_that_it_serves():
    """It may not."""
    page = of_failure(OPEN, Ending.by(CorruptLakeError(Path("/srv/lake/x"), "cut"), OPEN))

    assert "serves on" not in page


@pytest.mark.parametrize(
    ("run", "error"),
    [
        (OPEN, PublicationBlockedError("run-1", 2, "it fell", "report.html")),
        (PRIVATE, UntoldError("PublicationBlockedError", "it fell", exit_code=3)),
    ],
)
def test_a_block_is_told_as_one(run, error):
    """With the way out; of a private lake its kind alone."""
    page = of_failure(run, Ending.by(error, run))

    assert page.startswith("# ✘ The gate blocked it")
    assert "mmindex snapshots publish RUN" in page
    assert ("it fell" in page) == (not run.private)
    assert ("by hand" in page) == run.private


def test_an_interrupted_run_is_no_failure():
    """Ctrl-C, or the server cancelled it."""
    assert of_failure(OPEN, Ending.by(KeyboardInterrupt(), OPEN)).startswith(
        "# ✘ The run was interrupted"
    )


def test_the_line_of_an_index_run_says_what_came_of_it():
    """Numbers alone, in both languages: what is new, gone, embedded, quarantined, waiting."""
    english, chinese = message(INDEXED, private=True).split(" · ")

    assert english == (
        "Snapshot 3 serves; items: 2 new, 1 gone, 3 changed; Embedded: 2; Quarantine: 8;"
        " Wait for the next run: 4; Gate: warn"
    )
    assert chinese == (
        "快照 3 提供服务；条目：新增 2 个，移除 1 个，改动 3 个；已嵌入：2；隔离区：8；"
        "等待下次运行：4；闸门：警告"
    )


def test_the_line_of_a_run_that_changed_nothing_says_so():
    """And how much is in quarantine all the same."""
    result = IndexResult(status="unchanged", lake="lake", snapshot=4, quarantined={"empty": 1})

    english, _ = message(result, private=False).split(" · ")

    assert english == "Nothing changed: snapshot 4 still serves; Quarantine: 1"


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (MaintainResult(status="unchanged", lake="lake", snapshot=1, kept=(1,)), "Nothing to do"),
        (
            MaintainResult(
                status="removed",
                lake="lake",
                snapshot=1,
                kept=(1,),
                files={"index": 1},
                bytes={"index": 10**6},
            ),
            "Removed 1 file, 1.0 MB",
        ),
        (
            TrainResult(status="refused", lake="lake", snapshot=2, before=0.5, after=0.25),
            "Not promoted: snapshot 2 still serves; Mean RR, before and after: 0.5000 → 0.2500",
        ),
    ],
)
def test_other_runs_have_a_line_too(result, says):
    """A training with what it was compared by."""
    assert message(result, private=False).split(" · ")[0] == says


def test_the_line_of_an_evaluation_is_its_verdict():
    """With what fell, or why nothing can; of a private lake no reason in words."""
    worse = EvaluateResult(
        status="block", lake="lake", snapshot=3, run="r", baseline=2, findings=INDEXED.findings,
        rolled_back_to=2,
    )  # fmt: skip
    none = EvaluateResult(
        status="unmeasured", lake="lake", snapshot=1, run="r", why="nobody asked", stale=31.5
    )

    english = message(worse, private=True).split(" · ")[0]
    assert english.startswith("Snapshot 3: block, compared with snapshot 2; ")
    assert "0.400" in english
    assert english.endswith("; snapshot 2 serves again")
    told = "Snapshot 1: unmeasured; nobody asked; the sources were not looked at for 31.5 h"
    assert message(none, private=False).split(" · ")[0] == told
    assert "nobody asked" not in message(none, private=True)
