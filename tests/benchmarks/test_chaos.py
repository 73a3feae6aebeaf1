"""What `benchmarks.chaos` calls well, and that its folders change by the seed alone."""

from dataclasses import replace

from benchmarks.chaos import Round, table
from benchmarks.chaos_cases import change, make_media

WELL = Round(
    moment=1.0,
    stage="walk",
    state="Crashed",
    said="",
    marked=0.2,
    next_in=10.0,
    next_states=("Completed",),
    next_said="",
    completed=30.0,
    victim="flow",
)


def test_the_next_run_has_to_complete_and_to_leave_nothing():
    """Each thing that may be left, or may differ, is enough."""
    held = {"runs": [], "slots": {}}
    bad = [
        {"next_states": ("Failed", "Completed")},
        {"next_states": ("Cancelled", "Completed")},  # blocked by one that had died
        {"faults": ("1 lost",)},
        {"orphans": ("python",)},
        {"locked": True},
        {"held": held | {"slots": {"deployment:1": 1}}},
        {"held": held | {"runs": ["PENDING"]}},
    ]

    assert replace(WELL, held=held).well
    assert [one for one in bad if replace(WELL, **one).well] == []


def test_a_run_gives_way_to_one_that_is_at_work_still():
    """A server's death need not end a run: the next one is cancelled, the one after completes."""
    alive = replace(WELL, state="Completed", next_states=("Cancelled", "Completed"))

    assert alive.gave_way
    assert alive.well
    assert not replace(alive, state="Crashed").well


def test_a_table_has_a_row_for_each_victim():
    """And one for all."""
    rows = table([WELL, replace(WELL, victim="up", faults=("1 lost",))]).splitlines()[2:]

    assert [row.split(" | ")[0] for row in rows] == ["| flow", "| up", "| all"]
    assert "1 of 2" in rows[-1]


def test_a_folder_changes_by_the_seed(tmp_path):
    """The same files are added, edited and removed in each copy; another seed takes others."""
    found = []
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        make_media(tmp_path / name, 40)
        change(tmp_path / name, seed)
        found.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})

    assert found[0] == found[1]
    assert found[0] != found[2]
    assert any(name.startswith("added") for name in found[0])
