"""Python, cores, memory: what there is, and what a container leaves of it."""

import pytest

from mmcore.inspection.machine import system
from mmcore.processes.cores import cores


def said(checks):
    """State, finding and facts of the only finding."""
    (one,) = checks
    return one.state, one.said, one.facts


def test_this_machine_can_run_mmindex():
    """The tests run on it."""
    assert said(system.python())[:2] == ("ok", "python")
    assert said(system.system())[2]["machine"]
    assert said(system.open_files())[2]["wanted"] == 1024


@pytest.mark.parametrize(
    ("text", "what"), [("max 100000", "cores"), ("50000 100000", "cores-quota"), ("", "cores")]
)
def test_a_container_may_have_less_time_than_cores(tmp_path, text, what):
    """Half a core's time is one thread; "max" and a broken file bound nothing."""
    (tmp_path / "cpu.max").write_text(text)

    _, found, facts = said(system.cpu(tmp_path))

    assert found == what
    assert facts["cores"] == cores()
    if what == "cores-quota":
        assert (facts["quota"], facts["threads"]) == (0.5, 1)


@pytest.mark.parametrize(
    ("most", "used", "state", "what"),
    [
        ("2000000000", "0", "warn", "memory-small"),
        ("8000000000", "7500000000", "warn", "memory-taken"),
    ],
)
def test_a_container_may_have_less_memory_than_the_machine(tmp_path, most, used, state, what):
    """2 GB are too few for a run, and of 8 GB half a GB is left."""
    (tmp_path / "memory.max").write_text(most)
    (tmp_path / "memory.current").write_text(used)

    found = said(system.memory(tmp_path))

    assert found[:2] == (state, what)
    assert found[2]["total"] == int(most)


def test_few_open_files_are_a_warning(monkeypatch):
    """As many as a shell of macOS allows."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))

    state, what, facts = said(system.open_files())

    assert (state, what) == ("warn", "open-files-few")
    assert (facts["soft"], facts["hard"]) == (256, -1)
