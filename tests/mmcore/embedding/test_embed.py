"""Tests of mmcore/embedding: every device works, and what ends a process costs no shard."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest
import torch

from mmcore.embedding import devices, here
from mmcore.embedding.devices import Apart, devices_for
from mmcore.embedding.embed import embed, interruptible, releasing
from mmcore.embedding.progress import heard_by
from mmcore.encoders.compute.batches import Batcher
from mmcore.errors import ConfigError, EmbeddingError
from mmcore.processes.telling import WorkerError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality
from tests.fakes import HashEncoder
from tests.mmcore.embedding.perilous import (
    DIES,
    DIES_ONCE,
    FAULT,
    GOOD,
    HANGS,
    MARK,
    SAYS,
    Perilous,
)

CUT = SegmentationSpec()
ONE, TWO = RuntimeSpec(device="cpu"), RuntimeSpec(device="cpu,cpu", batch_size=2)


def at_once(shards, runtime):
    """Embed several shards at the same time: their results in order."""
    found = [None] * len(shards)

    def run(place):
        found[place] = embed(shards[place], CUT, runtime)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(shards))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def processes():
    """Those of the two CPU devices, None for one that was not asked yet."""
    return [device._process for device in devices._known["cpu", "cpu"]._all]


@pytest.mark.slow
def test_two_devices_share_the_work_and_change_no_vector(made):
    """Four shards at once: each device gets some, and all is as one process does it."""
    shards = [made(GOOD, GOOD, GOOD) for _ in range(4)]
    apart = at_once(shards, TWO)
    alone = [embed(shard, CUT, ONE) for shard in shards]

    for one, other in zip(apart, alone, strict=True):
        np.testing.assert_array_equal(one.vectors, other.vectors)
        assert dict(one.compute) == dict(other.compute) == {"dtype": "float32", "device": "cpu"}
        assert dict(one.truncated) == dict(other.truncated)
        assert sum(one.truncated.values()) == 3
        assert dict(one.work.batches) == {2: 1, 1: 1}
        assert dict(other.work.batches) == {3: 1}
        assert 0 < one.work.seconds <= one.work.ended - one.work.began
    assert {one.work.slot for one in apart} == {0, 1}
    assert len({process.number for process in processes()}) == 2


@pytest.mark.slow
def test_a_process_is_kept_for_the_next_shard(made):
    """Its models stay loaded."""
    at_once([made(GOOD), made(GOOD)], TWO)
    before = [process.number for process in processes()]
    at_once([made(GOOD), made(GOOD)], TWO)

    assert [process.number for process in processes()] == before


@pytest.mark.slow
def test_a_killed_process_is_replaced(made, monkeypatch, tmp_path):
    """The shard that it was at is tried again, in a fresh one."""
    monkeypatch.setenv(MARK, str(tmp_path / "died"))
    shard = made(DIES_ONCE, GOOD)
    found = embed(shard, CUT, TWO)

    assert (tmp_path / "died").exists()
    np.testing.assert_array_equal(found.vectors, embed(shard, CUT, ONE).vectors)


@pytest.mark.slow
def test_a_process_that_died_between_two_shards_costs_no_try(made, monkeypatch, tmp_path):
    """It had nothing to do: the next shard still has both of its tries."""
    monkeypatch.setenv(MARK, str(tmp_path / "died"))
    at_once([made(GOOD), made(GOOD)], TWO)
    for process in processes():
        os.kill(process.number, signal.SIGKILL)
        while process.alive:
            time.sleep(0.01)

    assert embed(made(DIES_ONCE), CUT, TWO).vectors.shape == (1, 16)


@pytest.mark.slow
def test_a_shard_that_ends_every_process_is_an_error(made):
    """It names device, encoder, what ended the process and its last words; the device goes on."""
    with pytest.raises(EmbeddingError, match=r"cpu.*SIGKILL.*'hash-image'.*about to go") as raised:
        embed(made(DIES), CUT, TWO)

    assert (raised.value.device, raised.value.encoder) == ("cpu", "hash-image")
    assert len(at_once([made(GOOD), made(GOOD)], TWO)) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("colour", "kind", "said"),
    [
        (SAYS, ConfigError, "this cannot be"),
        (FAULT, WorkerError, "process of cpu.*(?s:.)*ZeroDiv"),
    ],
)
def test_an_encoders_error_is_the_error_here(made, colour, kind, said):
    """Of its own kind where it is ours, else with its traceback; the process lives on."""
    with pytest.raises(kind, match=said):
        embed(made(colour), CUT, TWO)
    alive = [process for process in processes() if process is not None]

    assert len(alive) == 1
    assert alive[0].alive


def test_a_lone_device_starts_no_process(made, monkeypatch):
    """The usual case: the model is in this process."""
    monkeypatch.setattr(devices, "Process", None)

    assert embed(made(GOOD), CUT, ONE).work.slot == 0


def test_one_model_runs_at_a_time_on_a_device(made, monkeypatch):
    """Three shards at once on one device are embedded one after the other."""
    running, most, embedding = [], [], here.embed_prepared

    def watched(*told):
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()
        return embedding(*told)

    monkeypatch.setattr(here, "embed_prepared", watched)
    at_once([made(GOOD) for _ in range(3)], ONE)

    assert most == [1, 1, 1]


@pytest.mark.slow
def test_the_end_of_a_run_ends_its_processes(made):
    """Also where it failed; the next run starts others."""
    with pytest.raises(ConfigError), releasing():
        embed(made(SAYS), CUT, TWO)
    (process,) = (device._process for device in devices._known["cpu", "cpu"]._all[:1])

    assert process is None
    assert embed(made(GOOD), CUT, TWO).vectors.shape == (1, 16)


@pytest.fixture
def hanging(made, monkeypatch, tmp_path):
    """Begins shards that never end, one more than devices; joins and gives what came of them."""
    monkeypatch.setenv(MARK, str(tmp_path / "hangs"))
    monkeypatch.setattr(devices, "_PATIENCE", 0.2)
    shards, errors = [made(HANGS) for _ in range(3)], []

    def run(shard):
        try:
            embed(shard, CUT, TWO)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)

    running = [threading.Thread(target=run, args=(shard,), daemon=True) for shard in shards]

    def begin():
        for thread in running:
            thread.start()
        while not (tmp_path / "hangs").exists():
            time.sleep(0.01)
        return [process for process in processes() if process is not None]

    def ended():
        for thread in running:
            thread.join(30)
        return errors

    return begin, ended


@pytest.mark.slow
def test_an_interrupted_run_ends_processes_that_hang(hanging):
    """After some patience they are killed; their shards, and those that wait, are not begun."""
    begin, ended = hanging
    started = begin()
    with pytest.raises(KeyboardInterrupt), interruptible():
        raise KeyboardInterrupt

    assert [type(error) for error in ended()] == [devices.ClosedError] * 3
    assert not any(process.alive for process in started)
    assert processes() == [None, None]


def test_an_error_lets_other_shards_finish(monkeypatch):
    """Only an interruption ends processes before the run does."""
    monkeypatch.setattr("mmcore.embedding.embed.close_all", None)

    with pytest.raises(ConfigError), interruptible():
        raise ConfigError("one shard")


def test_impatience_ends_every_process():
    """A second Ctrl-C, while one process is waited for, leaves no other."""
    closed = []

    class Waiting:
        """Interrupted while it is closed."""

        def dismiss(self):
            """Nothing runs."""

        def close(self, until):
            closed.append(until)
            raise KeyboardInterrupt

    two = devices.Devices(("cpu", "cpu"))
    two._all = (Waiting(), Waiting())
    with pytest.raises(KeyboardInterrupt):
        two.close()

    assert len(closed) == 2
    assert closed[0] == closed[1] > time.monotonic()


def test_the_next_run_tries_again_what_had_no_memory():
    """A device's memory may be free by then: what batches settled on ends with the run."""

    def run(places):
        if len(places) > 2:
            raise torch.OutOfMemoryError
        return torch.ones(len(places), 1)

    with releasing():
        batcher = Batcher("of one run", "cpu", 8)
        batcher.map(run, 8)
        batcher.map(run, 8, [64] * 8)
        assert (batcher.most, batcher.tokens) == (2, 128)

    assert (batcher.most, batcher.tokens) == (8, 512)


def test_an_encoder_without_a_model_for_gpus_has_the_cpu(monkeypatch):
    """Beside GPUs it gets a device of its own, and takes none of theirs."""
    monkeypatch.setattr(devices, "_known", {})
    monkeypatch.setattr(devices, "devices_of", lambda _: ("cuda:0", "cuda:1"))
    encoder = HashEncoder(Modality.TEXT)

    assert len(devices_for(encoder, RuntimeSpec())._all) == 1
    assert list(devices._known) == [("cpu",)]


@pytest.mark.parametrize(
    ("mine", "device", "seen"),
    [(None, "cuda:1", "1"), ("4, 6", "cuda:1", "6"), ("GPU-a,GPU-b", "cuda:0", "GPU-a")],
)
def test_a_process_sees_only_its_gpu(monkeypatch, mine, device, seen):
    """Of those that this process sees, by whatever name."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if mine is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", mine)

    assert devices.visible(device) == {"CUDA_VISIBLE_DEVICES": seen}
    assert devices.visible("cpu") == {}


def test_a_gpu_of_many_has_its_own_name_outside(made, monkeypatch):
    """Inside its process it is cuda:0; what is told of it has the name that the run knows."""
    asked = []

    class Answering:
        """A process that answers at once."""

        def __init__(self, module, variables):
            self.alive = True
            asked.append(variables)

        def ask(self, told):
            asked.append(told["runtime"]["device"])
            from mmcore.embedding.worker import work

            work({**told, "runtime": {**told["runtime"], "device": "cpu"}}, self.heard)

        def heard(self, answer):
            self.answer = answer

        def hear(self):
            return self.answer

        def dismiss(self):
            """Nothing runs."""

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices, "Process", Answering)
    prepared = made(GOOD)
    job = devices.Job(prepared, CUT, RuntimeSpec(device="cuda"))
    found = Apart("cuda:3", 1, 2).embed(job, Perilous(Modality.IMAGE))

    assert asked[0]["CUDA_VISIBLE_DEVICES"] == "3"
    assert asked[0]["OMP_NUM_THREADS"] == str(max(1, len(os.sched_getaffinity(0)) // 2))
    assert asked[1] == "cuda:0"
    assert (found.work.device, found.compute["device"], found.work.slot) == ("cuda:3", "cuda:3", 1)


def test_a_shard_tells_how_far_its_model_is(made):
    """Two batches of three pictures: two thirds, then all; by nobody, it is told to nobody."""
    prepared, heard = made(GOOD, GOOD, GOOD), []
    runtime = RuntimeSpec(device="cpu", batch_size=2)
    with heard_by(lambda shard, share: heard.append((shard.name, round(share, 2)))):
        embed(prepared, CUT, runtime)
    embed(prepared, CUT, runtime)

    name = prepared.shard.name
    assert heard == [(name, 0.67), (name, 1.0)]


def test_a_process_of_a_device_tells_how_far_it_is(made, monkeypatch):
    """Rows that its model has done come before the answer, and are no answer."""
    from mmcore.embedding import worker

    class Telling:
        """A process that answers at once."""

        alive = True

        def __init__(self, module, variables):
            self.answers = []

        def ask(self, told):
            worker.work(told, self.answers.append)

        def hear(self):
            return self.answers.pop(0)

    monkeypatch.setattr(worker, "_TELL", 0.0)
    monkeypatch.setattr(devices, "Process", Telling)
    job = devices.Job(made(GOOD, GOOD, GOOD), CUT, RuntimeSpec(device="cpu", batch_size=1))
    heard = []
    found = Apart("cpu", 0, 2).embed(job, Perilous(Modality.IMAGE), heard.append)

    assert heard == [1, 2, 3]
    assert len(found.vectors) == 3
