"""Tests of mmcore/decoding: what ends a worker process costs one file."""

import os
import signal
import threading
import time

import pytest
from PIL import Image

from mmcore.decoding.apart import Apart
from mmcore.decoding.pool import Pool
from mmcore.errors import ConfigError, DecodingError, MediaError
from mmcore.media.decoders import READER, decoders
from mmcore.media.prepared import InProcess, prepare_shard
from mmcore.media.shaping import Shaping, refused
from mmcore.processes import process
from mmcore.processes.process import Process, Why
from mmcore.processes.telling import WorkerError
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Shard
from storage.schemas import Modality
from tests import media
from tests.declared import declare
from tests.mmcore.decoding import hostile

SPEC = SegmentationSpec()
LIMITS = LimitsSpec(stall_seconds=1.0, file_seconds=20.0, worker_bytes=1_000_000_000)


@pytest.fixture
def pool(monkeypatch, tmp_path):
    """A pool whose workers know the hostile encoder."""
    point = {"hash-image": "tests.mmcore.decoding.hostile:build"}
    declare(monkeypatch, tmp_path / "declared", "mmindex.encoders", point)
    pool = Pool()
    yield pool
    pool.close()


def contents_of(folder, colours):
    """One-coloured pictures, each another content."""
    paths = [
        media.png(folder / f"{number}.png", Image.new("RGB", (8, 8 + number), colour))
        for number, colour in enumerate(colours)
    ]
    return tuple(map(media.content, paths))


def prepared(folder, pool, contents, limits=LIMITS):
    """Prepare a shard of ``contents`` in worker processes."""
    shaping = Shaping(hostile.Hostile(Modality.IMAGE), SPEC, limits, thumbnail_side=16)
    shard = Shard(shaping.encoder.key, contents)
    return prepare_shard(shard, shaping, folder / "staging", Apart(shaping, RuntimeSpec(), pool))


@pytest.mark.parametrize(
    ("colour", "stage", "reason"),
    [
        (hostile.CRASH, "image", "decoder-crashed"),
        (hostile.EXIT, "image", "decoder-crashed"),
        (hostile.HANG, "limits", "too-slow"),
        (hostile.SLOW, "limits", "too-slow"),
        (hostile.EAT, "limits", "too-much-memory"),
        (hostile.FAULT, "prepare", "encoder-error"),
    ],
)
def test_what_a_decoder_does_costs_one_file(tmp_path, pool, colour, stage, reason):
    """Neighbours before and after it have their arrays; it has a reason, and is done."""
    contents = contents_of(tmp_path, [hostile.GOOD, colour, hostile.GOOD])
    found = prepared(tmp_path, pool, contents)

    assert [(r.path, r.stage, r.reason) for r in found.rejections] == [("1.png", stage, reason)]
    assert set(found.done) == {content.content_id for content in contents}
    assert found.rejections[0].decoder in decoders(LIMITS)
    assert found.segments()["content_id"].to_pylist() == [
        contents[0].content_id,
        contents[2].content_id,
    ]
    assert found.arrays().shape == (2, 8, 8, 3)
    assert (found.arrays() == hostile.GOOD).all()
    assert all(small.startswith(b"\xff\xd8") for small in found.thumbnails())


def test_apart_is_as_in_the_process(tmp_path, pool):
    """Workers change no segment, no array, no thumbnail and no rejection."""
    contents = contents_of(tmp_path, [hostile.GOOD, (1, 2, 3), (4, 5, 6)])
    broken = tmp_path / "broken.png"
    broken.write_bytes((tmp_path / "0.png").read_bytes()[:50])
    contents = (*contents, media.content(broken))
    apart = prepared(tmp_path, pool, contents)
    shaping = Shaping(hostile.Hostile(Modality.IMAGE), SPEC, LIMITS, thumbnail_side=16)
    here = prepare_shard(apart.shard, shaping, tmp_path / "here", InProcess(shaping))

    assert apart.segments().equals(here.segments())
    assert (apart.arrays() == here.arrays()).all()
    assert apart.thumbnails() == here.thumbnails()
    assert apart.rejections == here.rejections
    assert len(apart.rejections) == 1
    assert apart.done == here.done


def test_who_is_killed_by_the_system_is_not_done(tmp_path, pool):
    """A full machine is no fault of the file: the next run tries it again."""
    contents = contents_of(tmp_path, [hostile.KILLED, hostile.GOOD])
    found = prepared(tmp_path, pool, contents)

    assert [(r.reason, r.decoder) for r in found.rejections] == [("out-of-memory", READER)]
    assert found.done == (contents[1].content_id,)


def test_a_worker_that_died_between_two_shards_is_replaced(tmp_path, pool):
    """Nobody is blamed for the end of a worker that had nothing to do."""
    (first, second) = contents_of(tmp_path, [hostile.GOOD, (9, 9, 9)])
    prepared(tmp_path, pool, (first,))
    with pool.borrowed() as worker:
        os.kill(worker.number, signal.SIGTERM)
        time.sleep(0.2)
    found = prepared(tmp_path, pool, (second,))

    assert not found.rejections
    assert found.count == 1


def test_a_worker_is_used_again(tmp_path, pool):
    """Starting one takes longer than decoding a hundred pictures."""
    (first, second) = contents_of(tmp_path, [hostile.GOOD, (9, 9, 9)])
    numbers = []
    for content in (first, second):
        prepared(tmp_path, pool, (content,))
        with pool.borrowed() as worker:
            numbers.append(worker.number)

    assert numbers[0] == numbers[1]


@pytest.mark.parametrize(
    ("colour", "kind", "said"),
    [
        (hostile.SHAPE, WorkerError, "hash-image prepared uint8"),
        (hostile.CONFIG, ConfigError, "cannot be"),
        (hostile.NO_DISK, OSError, "No space left"),
    ],
)
def test_a_fault_that_is_no_files_stops_the_shard(tmp_path, pool, colour, kind, said):
    """An encoder's fault, a wrong setting and a full disk are errors here as they were there."""
    contents = contents_of(tmp_path, [hostile.GOOD, colour])

    with pytest.raises(kind, match=said):
        prepared(tmp_path, pool, contents)


def test_what_a_library_prints_is_no_answer(tmp_path, pool):
    """Decoders write to the standard output as they like."""
    contents = contents_of(tmp_path, [hostile.PRINTS, hostile.GOOD])
    found = prepared(tmp_path, pool, contents)

    assert found.count == 2
    assert not found.rejections


def test_a_worker_ends_with_who_owns_it(tmp_path, pool):
    """Its input is closed, and it goes."""
    prepared(tmp_path, pool, contents_of(tmp_path, [hostile.GOOD]))
    with pool.borrowed() as worker:
        pass
    pool.close()
    deadline = time.monotonic() + 10
    while worker.alive and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not worker.alive


def test_a_decoder_that_ends_its_process_well_is_no_idle_worker(tmp_path, pool):
    """Exit code 0 is a crash too while a content is worked on: it is tried twice, not for ever."""
    contents = contents_of(tmp_path, [hostile.EXIT_WELL, hostile.GOOD])
    found = prepared(tmp_path, pool, contents)

    assert [r.reason for r in found.rejections] == ["decoder-crashed"]
    assert found.count == 1


def test_workers_that_do_not_start_are_nobodys_fault(tmp_path, pool, monkeypatch):
    """No file is blamed; the error has what the process said, and the way out."""
    contents = contents_of(tmp_path, [hostile.GOOD])
    shaping = Shaping(hostile.Hostile(Modality.IMAGE), SPEC, LIMITS)
    shard = Shard(shaping.encoder.key, contents)
    monkeypatch.setattr(process, "_START", "import nothing_of_the_kind")

    with pytest.raises(DecodingError, match=r"(?s)No module named.*runtime\.isolate=false"):
        prepare_shard(shard, shaping, tmp_path / "staging", Apart(shaping, RuntimeSpec(), pool))


def test_a_hang_is_not_tried_again(tmp_path, pool, monkeypatch):
    """It takes its time once: the first worker is the last."""
    made = []
    begin = Process.__init__
    monkeypatch.setattr(
        Process, "__init__", lambda self, *told: (made.append(1), begin(self, *told))[1]
    )
    found = prepared(tmp_path, pool, contents_of(tmp_path, [hostile.HANG]))

    assert [r.reason for r in found.rejections] == ["too-slow"]
    assert len(made) == 1


def test_a_process_with_too_much_memory_is_ended(tmp_path, pool):
    """Where the system does not refuse it, as other systems than Linux: whoever watches sees."""
    with pool.borrowed() as worker:
        ended = worker.hear(time.monotonic() + 10, most_bytes=1)

    assert ended.why is Why.TOO_BIG
    assert not worker.alive


def test_a_worker_has_no_secrets(monkeypatch):
    """A decoder that is taken over finds no credentials in its environment."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("PREFECT_API_KEY", "x")
    monkeypatch.setenv("HARMLESS", "x")

    assert {"AWS_SECRET_ACCESS_KEY", "PREFECT_API_KEY"}.isdisjoint(process._environment({}))
    assert process._environment({})["HARMLESS"] == "x"


def test_what_a_reader_cannot_read_is_a_part(tmp_path):
    """A picture whose text cannot be read is a picture all the same."""
    content = media.content(media.png(tmp_path / "a.png"))
    shaping = Shaping(hostile.Hostile(Modality.IMAGE), SPEC, LIMITS, reader="ocr@1")
    (rejection,) = refused(content, MediaError("limits", "too-slow", "x"), shaping, 0).rejections

    assert rejection.source == "ocr@1"


def test_no_more_workers_are_out_than_there_may_be(pool):
    """A second borrower waits for the first, and then has the same process."""
    small = Pool(most=1)
    numbers, started = [], threading.Event()

    def borrow():
        started.set()
        with small.borrowed() as worker:
            numbers.append(worker.number)

    with small.borrowed() as worker:
        other = threading.Thread(target=borrow)
        other.start()
        started.wait()
        time.sleep(0.1)
        assert not numbers
        first = worker.number
    other.join()
    small.close()

    assert numbers == [first]


@pytest.mark.slow
def test_a_content_that_may_not_be_read_yet_does_not_hang(tmp_path, pool, monkeypatch):
    """The limit of reading makes a worker wait for longer than a decoder may be silent."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # the timetable's folder
    contents = contents_of(tmp_path, [hostile.GOOD, hostile.GOOD])
    shaping = Shaping(hostile.Hostile(Modality.IMAGE), SPEC, LIMITS, thumbnail_side=16)
    shard, runtime = Shard(shaping.encoder.key, contents), RuntimeSpec(read_files=0.3)
    began = time.monotonic()

    found = prepare_shard(shard, shaping, tmp_path / "staging", Apart(shaping, runtime, pool))

    assert (found.count, found.rejections) == (2, ())
    assert time.monotonic() - began > 3.3
