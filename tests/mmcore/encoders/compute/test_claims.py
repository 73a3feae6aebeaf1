"""Locks on GPUs: one holder at a time, and none after its death."""

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

from mmcore.encoders.compute import claims
from mmcore.encoders.compute.claims import claimed, gpus_of

ROOT = Path(__file__).parents[4]
HOLDING = """
import sys, time
from mmcore.encoders.compute.claims import claimed
with claimed([sys.argv[1]]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_cpu_is_no_gpu():
    """Nothing is locked, and torch is asked nothing."""
    assert gpus_of(("cpu", "cpu")) == ()
    assert gpus_of(("mps",)) == ("mps",)


def test_a_second_holder_waits_for_the_first(tmp_path, monkeypatch, caplog):
    """And says for whom it waits."""
    monkeypatch.setattr(claims.tempfile, "gettempdir", lambda: str(tmp_path))
    order = []

    def second():
        with claimed(["g"], every=0.01):
            order.append("second")

    thread = threading.Thread(target=second)
    with caplog.at_level(logging.WARNING), claimed(["g"]):
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join(10)

    assert order == ["first", "second"]
    assert "another run embeds on GPU g" in caplog.text


def test_a_killed_holder_holds_nothing(tmp_path, monkeypatch):
    """The system lets go of its lock with the process."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(claims.tempfile, "tempdir", str(tmp_path))
    command = [sys.executable, "-c", HOLDING, "g"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        assert list(tmp_path.glob("mmindex-*-gpu-g.lock"))
        holder.kill()

    with claimed(["g"], every=0.01):
        pass
