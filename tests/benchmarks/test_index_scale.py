import pytest

from benchmarks.index_scale import KINDS, PHASES, Job, slopes


@pytest.mark.parametrize("kind", KINDS)
def test_all_phases_run_after_each_other(kind, tmp_path):
    """An index of three shards is merged, tuned, searched and updated, and keeps its recall."""
    job = Job(tmp_path / kind, kind, 3000, 16, 1000)
    told = {phase: run(job) for phase, run in PHASES.items()}

    assert told["finish"]["recall"] >= 0.95
    assert told["update"]["recall"] >= 0.95
    assert told["update"]["added"] == 30


def test_a_slope_is_the_exponent_of_the_rows():
    """Twice the rows in twice the time is 1, in four times the time 2."""
    found = [
        (rows, {phase: {"cpu_s": power} for phase in PHASES})
        for rows, power in ((1000, 0.5), (2000, 2.0), (4000, 8.0))
    ]
    linear = [(rows, {phase: {"cpu_s": rows / 1000} for phase in PHASES}) for rows, _ in found]

    assert set(slopes(found).values()) == {2.0}
    assert set(slopes(linear).values()) == {1.0}
