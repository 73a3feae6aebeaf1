from storage.indexes.card import Point, Setting
from storage.indexes.choosing.frontier import frontier, nothing_fits, table, told
from storage.indexes.goal import Goal


def point(kind, recall, ms, memory, why="", depth=1):
    """A measured point."""
    return Point(
        kind=kind,
        setting=Setting(depth=depth),
        recall=recall,
        latency_ms=ms,
        rate=100.0 if ms else 0,
        memory=memory,
        build_seconds=1.5,
        fits=not why,
        why=why,
    )


SMALL = point("pq-half", 0.9, 1.0, 10_000_000, "recall 0.900", depth=4)
LARGE = point("hnsw", 0.99, 4.0, 300_000_000, "4 ms")
BARRED = point("ivf-flat", 0, 0, 200_000_000, "not built: 200 MB")
GOAL = Goal(recall=0.95, latency=2, memory=500_000_000)


def test_the_frontier_leaves_out_what_another_beats():
    """Slower, larger and less exact than another is of no use; unbuilt kinds stay."""
    beaten = point("rabitq", 0.8, 2.0, 20_000_000)

    assert frontier([SMALL, beaten, LARGE, BARRED]) == [SMALL, LARGE, BARRED]


def test_equal_points_all_stay():
    """Neither of two equal ones beats the other."""
    assert frontier([SMALL, SMALL]) == [SMALL, SMALL]


def test_the_table_has_a_line_for_each_point():
    """What was measured stands under its heading; of unbuilt kinds only why, and the memory."""
    head, small, barred = table([SMALL, BARRED]).splitlines()

    assert head.split() == [
        "kind",
        "setting",
        "recall",
        "ms",
        "queries/s",
        "MB",
        "built",
        "in",
        "misses",
    ]
    assert small.split() == [
        *("pq-half", "depth", "4", "0.9000", "1.00", "100", "10", "1.5", "s", "recall", "0.900")
    ]
    assert barred.split() == ["ivf-flat", "200", "not", "built:", "200", "MB"]


def test_a_goal_is_told_with_its_budgets():
    """The recall, and what it has to be reached within."""
    assert told(GOAL) == "recall@10 of 0.95 within 500 MB and 2 ms"
    assert told(Goal(recall=0.9, k=5)) == "recall@5 of 0.9"


def test_the_error_says_what_to_relax():
    """Which recall the budgets allow, and which latency the recall takes; with the table."""
    error = nothing_fits([SMALL, LARGE], GOAL)

    assert (
        error.relax == "a recall of 0.900 is within the budgets; or 4 ms are enough for the recall"
    )
    assert table([SMALL, LARGE]) in str(error)
    assert error.tried == (SMALL, LARGE)
    assert error.exit_code == 9


def test_the_error_says_how_many_points_its_table_leaves_out():
    """Those that another one beats; nothing is said where all are shown."""
    beaten = point("rabitq", 0.8, 2.0, 20_000_000)

    assert "\n(1 more measured" in str(nothing_fits([SMALL, beaten], GOAL))
    assert "more measured" not in str(nothing_fits([SMALL, LARGE], GOAL))


def test_a_recall_that_is_not_sure_is_told_as_such():
    """A mean above the goal that its interval does not confirm asks for more queries."""
    unsure = point("pq-half", 0.96, 1.0, 10_000_000, "recall 0.960, at least 0.930")

    assert nothing_fits([unsure], Goal(recall=0.95)).relax == (
        "a recall of 0.960 was measured, but it is not sure, or not that of each kind of query"
    )


def test_the_error_says_how_much_memory_another_kind_takes():
    """The least that is over the budget."""
    error = nothing_fits([SMALL, BARRED], Goal(recall=0.95, memory=100_000_000))

    assert error.relax.endswith("200 MB let ivf-flat be tried")


def test_only_kinds_that_nothing_else_bars_are_worth_more_memory():
    """Of one that cannot reach the recall no memory is told."""
    hopeless = point("rabitq", 0, 0, 150_000_000, "not built: only exact search finds all")
    error = nothing_fits([hopeless, BARRED], Goal(recall=1, memory=100_000_000))

    assert error.relax == "200 MB let ivf-flat be tried"


def test_memory_that_is_enough_is_told_as_more_than_the_budget():
    """However little is missing: the budget in all its digits, what is enough rounded up."""
    close = point("flat", 0, 0, 140_402, "not built: 0.14 MB")
    error = nothing_fits([close], Goal(recall=0.9, memory=140_401))

    assert "0.140401 MB" in str(error)
    assert error.relax == "0.141 MB let flat be tried"
