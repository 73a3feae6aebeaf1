"""Tests of mmcore/memory.py."""

import subprocess
import sys

import pytest

CODE = """
import psutil
from mmcore.memory import give_back

held = [bytes(50_000) for _ in range(4_000)]
last = bytes(50_000)  # above all others: what lies below it stays with the library
del held
before = psutil.Process().memory_info().rss
give_back()
print(before - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take it back by themselves")
def test_what_was_freed_goes_back():
    """200 MB in pieces that the C library keeps are the system's again."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)

    assert int(done.stdout) > 100_000_000
