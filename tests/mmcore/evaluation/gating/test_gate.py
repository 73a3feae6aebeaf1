"""Verdicts: one test a kind of finding."""

import math

import numpy as np
import pytest

from mmcore.evaluation.gating.compare import Comparison, compared
from mmcore.evaluation.gating.gate import Evidence, failed, judge
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.scores import Coverage, Drift, GateVerdict, IndexRecall
from tests.outcomes import outcome

SPEC = GateSpec(flips=999)
USING = {
    "image/s": ("text:zh→image", "text:en→image"),
    "audio": ("text:en→audio",),
    "image-s": ("text:zh→image", "text:en→image"),
}


def comparison(lost=0, name="text:en→image", *, spec=SPEC, after=True):
    """Of one direction, in which the first ``lost`` of 200 queries are found no more."""
    ranks = np.ones(200, dtype=np.int64)
    ranks[:lost] = 0
    later = [outcome(name, ranks)] if after else []
    return compared([outcome(name, np.ones(200))], later, spec, min_queries=20)


def evidence(**fields):
    """What there is of a snapshot that equals its baseline, number 3, unless told."""
    sound = {
        "comparison": comparison(),
        "drift": [drift()],
        "foreign": {},
        "recall": [recall(0.99)],
        "coverage": ([covered(100)], [covered(100)]),
        "quarantine": (0.01, 0.01),
        "directions": USING,
        "baseline": 3,
    }
    return Evidence(**{**sound, **fields})


def drift(**fields):
    """Of pictures that did not change."""
    told = {"modality": "image", "space": "s", "common": 100, "changed": 0.0, "norm": 1e-6}
    return Drift(**{**told, "shift": 0.0, "overlap": 1.0, **fields})


def recall(value, target=0.98):
    """Of one index."""
    return IndexRecall(index="image-s", recall=value, queries=50, asked="queries", target=target)


def covered(embedded, modality="audio", contents=100):
    """So many of a hundred contents."""
    return Coverage(
        modality=modality,
        files=contents,
        contents=contents,
        embedded=embedded,
        quarantined=0,
        segments=embedded,
        items=embedded,
    )


def only(verdict):
    """The one finding of a verdict."""
    (found,) = verdict.findings
    return found


def test_what_is_as_good_passes():
    """No finding; what was tested, and how, is told."""
    verdict = judge(evidence(), SPEC)

    assert (verdict.status, verdict.baseline, verdict.why) == ("pass", 3, "")
    assert (verdict.findings, verdict.unproven) == ([], [])
    assert verdict.tested == 6  # the direction, all, all en; each with its ranks
    assert (verdict.flips, verdict.seed) == (999, 0)
    assert len(verdict.compared) == 3


def test_worse():
    """Blocked for the direction and for the mean, each naming the direction that fell."""
    verdict = judge(evidence(comparison=comparison(lost=20)), SPEC)

    assert verdict.status == "block"
    assert {f.kind for f in verdict.findings} == {"worse"}
    assert {f.subject for f in verdict.findings} == {"text:en→image", "all", "all en"}
    assert all(f.directions == ["text:en→image"] for f in verdict.findings)
    first = verdict.findings[0]
    assert (first.before, first.after) == (1, pytest.approx(0.9))
    assert first.rule.startswith("all") or first.rule.startswith("*->*")


def test_the_mean_over_all_names_the_directions_that_fell_the_most_first():
    """Those of its language, and none that rose."""
    names = ("text:en→image", "text:en→audio", "text:zh→image", "image→text:en")
    later = dict(zip(names, (3, 9, 20, 1), strict=True))
    before = [outcome(n, np.full(200, 2), languages=(n[5:7],) * 200) for n in names]
    after = [outcome(n, np.full(200, later[n]), languages=(n[5:7],) * 200) for n in names]
    found = judge(evidence(comparison=compared(before, after, SPEC, min_queries=20)), SPEC)
    said = {f.subject: f.directions for f in found.findings if f.measure == "RR"}

    assert said["all"] == ["text:zh→image", "text:en→audio", "text:en→image"]
    assert said["all zh"] == ["text:zh→image"]
    assert said["all en"] == ["text:en→audio", "text:en→image"]


def test_lost():
    """A direction that can no longer be asked."""
    found = only(judge(evidence(comparison=comparison(after=False)), SPEC))

    assert (found.kind, found.subject, found.action) == ("lost", "text:en→image", "block")
    assert found.directions == ["text:en→image"]


def test_recall():
    """An index that gives back less than it did names the directions that use it."""
    before = outcome("index:image-s", np.ones(100), scores={"recall@10": np.ones(100)})
    after = outcome("index:image-s", np.ones(100), scores={"recall@10": np.full(100, 0.8)})
    found = only(
        judge(evidence(comparison=compared([before], [after], SPEC, min_queries=20)), SPEC)
    )

    assert (found.kind, found.subject, found.action) == ("recall", "image-s", "block")
    assert found.directions == list(USING["image-s"])


@pytest.mark.parametrize(
    ("value", "target", "blocked"),
    [(0.96, 0.98, False), (0.94, 0.98, True), (0.98, None, False), (0.9, None, True)],
)
def test_floor(value, target, blocked):
    """Below the goal, less the slack; exact search has to give back everything."""
    verdict = judge(evidence(recall=[recall(value, target)]), SPEC)

    assert verdict.status == ("block" if blocked else "pass")
    if blocked:
        found = only(verdict)
        assert (found.kind, found.subject, found.after) == ("floor", "image-s", value)
        assert found.directions == list(USING["image-s"])


def test_coverage():
    """Files that are there and have no vectors any more; deleted ones are no loss."""
    gone = (([covered(100)], [covered(0)]), ([covered(100)], [covered(80)]))
    for pair in gone:
        found = only(judge(evidence(coverage=pair), SPEC))
        assert (found.kind, found.subject, found.action) == ("coverage", "audio", "block")
        assert found.directions == ["text:en→audio"]
    for pair in (([covered(100)], [covered(50, contents=50)]), ([covered(100)], [])):
        assert judge(evidence(coverage=pair), SPEC).status == "pass"
    assert (
        judge(evidence(coverage=([covered(0, "video", 0)], [covered(9)])), SPEC).status == "pass"
    )


@pytest.mark.parametrize(
    ("before", "after", "contents", "action"),
    [
        (5, 4, 5, "warn"),
        (100, 81, 100, "warn"),
        (4, 0, 4, "warn"),
        (5, 0, 5, "block"),
        (20, 1, 20, "block"),
        (40, 31, 40, "block"),  # nine: fewer than 20, and more than a fifth
    ],
)
def test_a_few_contents_that_are_lost_block_nothing(before, after, contents, action):
    """One bad file of five must not end a night; a medium that is gone, or a large part, must."""
    pair = ([covered(before, contents=contents)], [covered(after, contents=contents)])

    found = only(judge(evidence(coverage=pair), SPEC))

    assert (found.kind, found.action) == ("coverage", action)


@pytest.mark.parametrize(
    ("before", "after", "status"), [(100, 99, "pass"), (100, 94, "block"), (None, 94, "block")]
)
def test_a_floor_of_coverage_knows_no_few(before, after, status):
    """``min`` is of the share: six contents that are missing may be all that it takes."""
    spec = GateSpec(rules=("coverage:audio share: min=0.95",))
    earlier = None if before is None else [covered(before)]

    verdict = judge(evidence(coverage=(earlier, [covered(after)])), spec)

    assert verdict.status == status


def test_silent():
    """A small direction that finds nothing any more; in a promotion it may be a trade."""
    ranks = {"queries": tuple(f"s{n}" for n in range(20)), "groups": np.arange(20) % 6}
    found = compared(
        [outcome("audio→text:zh", np.ones(20), **ranks)],
        [outcome("audio→text:zh", np.zeros(20), **ranks)],
        GateSpec(rules=("*->* Success@10: max_drop=.02",), flips=99),
        min_queries=20,
    )
    for promotion, action in ((False, "block"), (True, "warn")):
        verdict = judge(evidence(comparison=found, promotion=promotion), SPEC)
        assert (only(verdict).kind, only(verdict).action) == ("silent", action)
        assert only(verdict).directions == ["audio→text:zh"]
        assert (only(verdict).before, only(verdict).after) == (1, 0)


def test_the_mean_of_a_language_names_no_direction_that_is_no_part_of_it():
    """Pictures that look for Chinese texts fell more, and are not asked in Chinese."""
    names = {"text:zh→image": ("zh", 2), "image→text:zh": (None, 50)}
    told = {
        name: {"languages": (of,) * 200, "queries": tuple(f"{name}{n}" for n in range(200))}
        for name, (of, _) in names.items()
    }
    before = [outcome(name, np.ones(200), **told[name]) for name in names]
    after = [outcome(name, np.full(200, names[name][1]), **told[name]) for name in names]
    found = judge(evidence(comparison=compared(before, after, SPEC, min_queries=20)), SPEC)
    said = {f.subject: f.directions for f in found.findings if f.measure == "RR"}

    assert said["all"] == ["image→text:zh", "text:zh→image"]
    assert said["all zh"] == ["text:zh→image"]


def test_quarantine():
    """More refused files are told, not blocked."""
    verdict = judge(evidence(quarantine=(0.01, 0.2)), SPEC)

    assert verdict.status == "warn"
    assert (only(verdict).kind, only(verdict).action) == ("quarantine", "warn")
    assert judge(evidence(quarantine=(0.2, 0.01)), SPEC).status == "pass"
    assert judge(evidence(quarantine=(None, 0.2)), SPEC).status == "pass"


@pytest.mark.parametrize("norm", [0.3, 0.002, math.inf, math.nan])
def test_norm(norm):
    """Vectors that are not of length 1, or no numbers; JSON can hold the finding."""
    verdict = judge(evidence(drift=[drift(norm=norm)]), SPEC)
    found = only(verdict)

    assert (found.kind, found.subject, found.action) == ("norm", "image/s", "block")
    assert found.directions == list(USING["image/s"])
    assert GateVerdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_changed():
    """Vectors of the same encoder and space that are others; rounding changes none."""
    found = only(judge(evidence(drift=[drift(changed=0.05)]), SPEC))

    assert (found.kind, found.after, found.action) == ("changed", 0.05, "block")
    assert found.directions == list(USING["image/s"])
    assert judge(evidence(drift=[drift(changed=0.001)]), SPEC).status == "pass"
    assert judge(evidence(drift=[drift(changed=None)]), SPEC).status == "pass"


def test_ids():
    """An index of other rows than the live ones."""
    found = only(judge(evidence(foreign={"image-s": 2, "fused-s": 0}), SPEC))

    assert (found.kind, found.subject, found.after, found.action) == ("ids", "image-s", 2, "block")
    assert found.directions == list(USING["image-s"])


def test_drift():
    """Only where a rule asks for it: the share of equal neighbours, and the shift of the mean."""
    moved = [drift(overlap=0.4, shift=0.3)]
    spec = GateSpec(
        rules=("drift:image overlap: min=.5, action=warn", "drift:*/s shift: max_rise=.2")
    )

    assert judge(evidence(drift=moved), SPEC).status == "pass"
    verdict = judge(evidence(drift=moved), spec)
    assert [(f.kind, f.measure, f.action) for f in verdict.findings] == [
        ("drift", "shift", "block"),
        ("drift", "overlap", "warn"),
    ]


def test_latency():
    """Only where a limit is set, and never blocked."""
    assert judge(evidence(p95=900.0), SPEC).status == "pass"
    verdict = judge(evidence(p95=900.0), GateSpec(max_latency=100))

    assert verdict.status == "warn"
    assert (only(verdict).kind, only(verdict).before, only(verdict).after) == ("latency", 100, 900)


def test_failed():
    """What could not run says why, and blocks."""
    verdict = failed("no memory", baseline=3)

    assert (verdict.status, verdict.baseline, verdict.why) == ("failed", 3, "no memory")
    assert (only(verdict).kind, only(verdict).action) == ("failed", "block")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"comparison": None, "baseline": None}, "nothing was published before"),
        ({"comparison": Comparison((), (), (), 0)}, "no direction has enough queries"),
        ({"comparison": None, "unmeasured": "it is damaged"}, "it is damaged"),
    ],
)
def test_what_could_not_be_compared_is_unmeasured(fields, why):
    """And says why; what needs no comparison is blocked all the same."""
    verdict = judge(evidence(**fields), SPEC)

    assert (verdict.status, verdict.findings) == ("unmeasured", [])
    assert verdict.why.startswith(why)
    blocked = judge(evidence(**fields, drift=[drift(norm=0.3)]), SPEC)
    assert (blocked.status, only(blocked).kind) == ("block", "norm")


def test_a_gate_that_is_switched_off_blocks_nothing():
    """It is unmeasured, and what was found is told."""
    spec = GateSpec(enabled=False)
    verdict = judge(evidence(drift=[drift(norm=0.3)]), spec)

    assert (verdict.status, verdict.why) == ("unmeasured", "the gate is switched off")
    assert only(verdict).action == "warn"


def test_a_promotion_may_trade_directions():
    """Their drops are told; what is lost or unsound is blocked there, too."""
    worse = evidence(comparison=comparison(lost=20), promotion=True)
    lost = evidence(comparison=comparison(after=False), promotion=True)

    assert judge(worse, SPEC).status == "warn"
    assert judge(lost, SPEC).status == "block"
    assert judge(evidence(drift=[drift(norm=0.3)], promotion=True), SPEC).status == "block"


def test_blocks_come_first_and_name_directions():
    """Whatever was found, in whatever order."""
    verdict = judge(
        evidence(
            quarantine=(0.0, 0.5),
            drift=[drift(modality="video", norm=0.2), drift(changed=0.5)],
            foreign={"other": 3},
        ),
        SPEC,
    )

    assert [f.action for f in verdict.findings] == ["block", "block", "block", "warn"]
    assert all(f.directions for f in verdict.findings)
    assert verdict.findings[0].directions == ["*→video/s"]
