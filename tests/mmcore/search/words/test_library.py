"""What bm25s may not load."""

import os
import subprocess
import sys
from pathlib import Path

from mmcore.search.words.library import bm25s

PROGRAM = """
import logging
logging.basicConfig(level=logging.DEBUG)
import sys
from pathlib import Path
from mmcore.search.words.library import bm25s
found = bm25s()
print(found.NUMBA_AVAILABLE, found.selection.JAX_IS_AVAILABLE, 'jax' in sys.modules)
import jax.lax
"""


def test_jax_and_numba_are_not_loaded_where_they_are(tmp_path):
    """Starting JAX takes seconds and a GPU's memory; whoever wants it can load it afterwards."""
    for name in ("jax", "numba"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"print('{name} was loaded')")
    (tmp_path / "jax" / "lax.py").write_text("")
    paths = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )

    assert told.stdout.splitlines() == ["False False False", "jax was loaded"]
    assert told.stderr == ""


def test_the_module_is_loaded_once():
    """Each caller gets the same."""
    assert bm25s() is bm25s()
