"""What `mmcore.search` offers by name, and what importing it costs."""

import subprocess
import sys

import pytest

import mmcore.search

HEAVY = ("numpy", "faiss", "pydantic", "pyarrow", "torch", "fastapi")


def test_importing_the_package_loads_nothing():
    """Not until a name is asked for."""
    program = f"import sys, mmcore.search; print([m for m in {HEAVY} if m in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "[]"


def test_every_name_is_that_of_its_module():
    """What is listed is there, and nothing else is promised."""
    from mmcore.search import Answer, Following, Part, Searcher, SearchRequest, Weights

    offered = (Answer, Following, Part, Searcher, SearchRequest, Weights)
    assert sorted(one.__name__ for one in offered) == sorted(mmcore.search.__all__)
    assert {*mmcore.search.__all__} <= {*dir(mmcore.search)}
    with pytest.raises(AttributeError, match="nothing"):
        _ = mmcore.search.nothing
