"""Who decodes and who embeds."""

import pytest
from pydantic import ValidationError

from flows.config.cluster import ClusterSpec
from flows.config.index import IndexConfig
from flows.engines.cluster import CPU, GPU, Cluster, Lane, Team
from mmcore.errors import ClusterError
from mmcore.specs import PlanSpec, RuntimeSpec
from storage.layout import Layout
from storage.snapshot import Snapshot
from tasks.sight import Seen
from tests.crashes import contents_of, differences, make_folder, plain_index


def workers(*resources):
    """As a scheduler tells of its workers, of two threads each."""
    return {
        f"tcp://{number}": {"nthreads": 2, "resources": told}
        for number, told in enumerate(resources)
    }


def test_tasks_go_to_those_who_declare_the_resource():
    """A worker has as many slots as threads, or as it declares, if that is less."""
    told = workers({GPU: 1}, {CPU: 8}, {CPU: 1}, {})

    assert Team.of(told, GPU) == Team(("tcp://0",), 1, GPU)
    assert Team.of(told, CPU) == Team(("tcp://1", "tcp://2"), 3, CPU)


def test_where_nobody_declares_it_anybody_does():
    """A cluster without GPUs needs no resources at all."""
    assert Team.of(workers({}, {CPU: 2}), GPU) == Team(("tcp://0", "tcp://1"), 4)


class Client:
    """Answers for all workers, each with what it is given to say."""

    status = "running"

    def __init__(self, told, seen):
        self.told, self.seen = told, seen

    def wait_for_workers(self, *_, **__):
        """They are there."""

    def scheduler_info(self, **_):
        """Who is there."""
        return {"workers": self.told}

    def run(self, question, workers, **_):
        """What each of ``workers`` says."""
        return {address: self.seen[address](*question.args) for address in workers}


def cluster(*resources, seen):
    """A cluster whose worker number N says ``seen[N](sight, runtime)`` of itself."""
    told = workers(*resources)
    runner = type("Runner", (), {"client": Client(told, dict(zip(told, seen, strict=True)))})
    return Cluster("tcp://scheduler", runner)


def says(device="cpu", dtype="float32", lacking=()):
    """What a worker of that machine says."""

    def seen(_, runtime):
        return Seen(lacking, (device, dtype) if runtime else None, "3.11")

    return seen


def test_all_models_run_in_one_dtype():
    """A file's vectors must not depend on the worker; those who decode need not agree."""
    fast, slow = says(dtype="bfloat16"), says()
    runtime = RuntimeSpec(device="cpu")

    found = cluster({GPU: 1}, {}, seen=(fast, slow)).agreed("sight", runtime)
    assert (found.device, found.dtype) == ("cpu", "bfloat16")
    with pytest.raises(ClusterError, match=r"differently.*tcp://.*runtime.dtype=float32"):
        cluster({}, {}, seen=(fast, slow)).agreed("sight", runtime)


def test_a_gpu_that_is_declared_is_used():
    """`auto` would take the CPU of a worker whose GPU is not there, and say nothing."""
    asked = []

    def seen(_, runtime):
        asked.append(runtime)
        return says("cuda", "bfloat16")(_, runtime)

    found = cluster({GPU: 1}, {CPU: 1}, seen=(seen, seen)).agreed("sight", RuntimeSpec())

    assert [runtime and runtime.device for runtime in asked] == ["cuda", None]
    assert (found.device, found.dtype) == ("cuda", "bfloat16")


def test_a_worker_that_lacks_something_is_named():
    """What it said, or the error that came instead."""
    blind = says(lacking=("does not see /media",))
    with pytest.raises(ClusterError, match="worker tcp://1 does not see /media"):
        cluster({}, {}, seen=(says(), blind)).agreed("sight", RuntimeSpec(device="cpu"))

    def old(*_):
        return ModuleNotFoundError("No module named 'tasks'")

    with pytest.raises(ClusterError, match="tcp://0 cannot work for mmindex: ModuleNotFound"):
        cluster({}, seen=(old,)).agreed("sight", RuntimeSpec(device="cpu"))


def test_a_lane_takes_one_of_its_resource():
    """Dask holds a worker to as many tasks as it declared."""
    annotate = pytest.importorskip("dask.base").get_annotations
    seen = []

    class Runner:
        def submit(self, *_):
            seen.append(annotate())

    there = type("Cluster", (), {"runner": Runner()})
    Lane(there, Team(("a",), 1, GPU), 10).submit(None, {})
    Lane(there, Team(("a",), 1)).submit(None, {})

    assert seen == [{"resources": {GPU: 1}, "priority": 10}, {}]


def test_a_scheduler_is_for_dask():
    """With another engine it would be named in vain."""
    with pytest.raises(ValidationError, match=r"cluster\.scheduler is for --engine dask"):
        IndexConfig(media=("m",), lake="l", cluster=ClusterSpec(scheduler="tcp://h:1"))


@pytest.mark.parametrize("staging", ["folder", "memory://passing"])
def test_any_engine_may_stage_elsewhere(monkeypatch, tmp_path, staging):
    """The lake is as ever, and nothing is left there."""
    monkeypatch.setenv("MMINDEX_CACHE", str(tmp_path / "cache"))
    where = str(tmp_path / staging) if staging == "folder" else staging
    make_folder(tmp_path / "media")
    index = plain_index(monkeypatch)
    index(tmp_path / "media", tmp_path / "plain")

    told = {"cluster": ClusterSpec(staging=where, staging_bytes=1)}
    index(tmp_path / "media", tmp_path / "lake", plan=PlanSpec(shard_contents=1), **told)

    one, other = (held(tmp_path / name) for name in ("plain", "lake"))
    assert differences(other, one) == (0, 0, 0)
    assert not list((tmp_path / "lake").glob("staging/*"))
    assert not list((tmp_path / "cache").rglob("*.bin"))


def held(root):
    """All that a lake's snapshot holds."""
    return contents_of(Snapshot.open(Layout(root)))
