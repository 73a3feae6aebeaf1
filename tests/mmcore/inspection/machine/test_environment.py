"""Variables that bite."""

import re
from pathlib import Path

import pytest

from mmcore.inspection.machine import environment as looked
from mmcore.inspection.machine.environment import environment
from mmcore.processes.cores import cores

ROOT = Path(looked.__file__).parents[3]


def found(encoding="utf-8", **variables):
    """States and findings for these variables alone."""
    return [(one.state, one.said) for one in environment(variables, encoding)]


def test_an_environment_without_traps_is_well():
    """Also with a proxy that makes an exception, and with as many threads as cores."""
    assert found() == [("ok", "environment")]
    assert found(HTTP_PROXY="http://proxy:1", NO_PROXY="a, 127.0.0.1") == found()
    assert found(OMP_NUM_THREADS=str(cores())) == found()
    assert found(MMINDEX_CACHE_BYTES="20e9") == found()


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ({"OMP_NUM_THREADS": "many"}, "environment-threads-odd"),
        ({"MKL_NUM_THREADS": str(cores() + 1)}, "environment-threads-many"),
        ({"http_proxy": "http://proxy:1"}, "environment-proxy"),
        ({"MMINDEX_LAEK": "lake"}, "environment-unknown"),
        ({"MMINDEX_WEIGHTS": "/no/such/folder"}, "environment-weights"),
        ({"TMPDIR": "/no/such/folder"}, "environment-tmpdir"),
        ({"KMP_DUPLICATE_LIB_OK": "TRUE"}, "environment-openmp-twice"),
    ],
)
def test_a_trap_is_a_warning(variables, what):
    """A run works, but not as its user thinks."""
    assert found(**variables) == [("warn", what)]


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ({"SSL_CERT_FILE": "/no/such/file"}, "environment-certificates"),
        ({"MMINDEX_CACHE_BYTES": "20 GB"}, "environment-cache-bytes"),
    ],
)
def test_what_stops_a_run_is_a_failure(variables, what):
    """Each call or each remote run ends with it."""
    assert found(**variables) == [("fail", what)]


def test_threads_fewer_than_cores_are_told(monkeypatch):
    """Of four cores one is used."""
    monkeypatch.setattr(looked, "cores", lambda: 4)

    assert found(OMP_NUM_THREADS="1") == [("warn", "environment-threads-few")]


def test_a_charset_without_chinese_is_told():
    """`LC_ALL=C` of an old system."""
    assert found("ANSI_X3.4-1968") == [("warn", "environment-charset")]
    assert found("UTF-8") == [("ok", "environment")]


def test_packages_of_our_names_elsewhere_are_told(tmp_path):
    """A folder that has `flows`, and is no mmindex."""
    (tmp_path / "flows").mkdir()
    assert found(PYTHONPATH=str(tmp_path)) == [("warn", "environment-pythonpath")]

    (tmp_path / "mmcore").mkdir()
    assert found(PYTHONPATH=str(tmp_path)) == [("ok", "environment")]


def test_the_known_variables_are_those_that_the_code_reads():
    """Whoever adds one tells doctor, which would call it a slip."""
    sources = [
        path.read_text("utf-8")
        for package in ("flows", "tasks", "mmcore", "storage")
        for path in (ROOT / package).rglob("*.py")
        if path != Path(looked.__file__) and "doctor" not in path.parts
    ]
    named = re.findall(r"""["'](MMINDEX_[A-Z_]+)["']""", "\n".join(sources))

    assert set(named) == looked.OURS
