"""Libraries, devices and packages: what works here, and what would be told if it did not."""

import numpy as np
import pytest
from packaging.requirements import Requirement

from mmcore.inspection.machine import devices, libraries, packages


def said(checks):
    """State and finding of the only one."""
    (one,) = checks
    return one.state, one.said


@pytest.mark.parametrize("name", ["faiss", "pyarrow", "ffmpeg", "jieba"])
def test_a_library_that_works_is_well(name):
    """Each does a little of what a run asks of it."""
    assert said(getattr(libraries, name)()) == ("ok", name)


def test_an_index_that_finds_another_vector_is_a_failure(monkeypatch):
    """As with two OpenMP runtimes that damage each other's memory."""
    import faiss

    wrong = (np.zeros((16, 1)), np.zeros((16, 1), np.int64))
    monkeypatch.setattr(faiss.IndexIDMap2, "search", lambda *_: wrong)

    assert said(libraries.faiss()) == ("fail", "faiss-wrong")


def test_codecs_that_are_missing_are_named(monkeypatch):
    """An FFmpeg of a distribution may have no H.264."""
    import av

    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"h264"})

    (one,) = libraries.ffmpeg()
    assert (one.state, one.facts["missing"]) == ("warn", "h264")


def test_the_device_of_a_run_multiplies_rightly():
    """As precisely as a run computes there."""
    assert [one.state for one in devices.devices() if one.said != "device-unseen"] == ["ok"]
    assert said(devices.torch()) == ("ok", "torch")


def test_a_device_that_computes_wrongly_is_a_failure(monkeypatch):
    """What it is off by is told; a NaN is off too."""
    for off in (0.3, float("nan")):
        monkeypatch.setattr(devices, "_off", lambda *_, off=off: off)
        assert [one.said for one in devices.devices()][-1] == "device-wrong"


def test_a_device_that_cannot_be_used_is_a_failure(monkeypatch):
    """A full GPU, or one that somebody else has alone: torch raises what the driver says."""

    def full(*_):
        raise RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be")

    monkeypatch.setattr(devices, "_off", full)

    one = list(devices.devices())[-1]
    assert (one.state, one.said) == ("fail", "device-broken")
    assert one.facts["error"] == "CUDA error: out of memory CUDA kernel errors might be"


def test_the_driver_is_told_without_its_tool(tmp_path):
    """As the kernel's module says; a machine without one has no such file."""
    told = tmp_path / "version"
    assert devices._driver_loaded(told) == ""

    told.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  Tue May\n")
    assert devices._driver_loaded(told) == "580.159.04"

    told.write_text("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  R\n")
    assert devices._driver_loaded(told) == "580.65.06"


def test_a_gpu_that_torch_does_not_see_is_a_warning(monkeypatch):
    """A driver is here, and the run would take the CPU."""
    monkeypatch.setattr(devices, "devices_of", lambda _: ("cpu",))
    monkeypatch.setattr(devices, "_driver", lambda: "580.1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    first, _ = devices.devices()

    assert (first.state, first.said) == ("warn", "device-unseen")
    assert (first.facts["driver"], first.facts["hidden"]) == ("580.1", "''")


def test_packages_and_extras_are_told():
    """What the tests need is here."""
    found = {one.check: one for one in packages.packages()}

    assert found["packages"].said == "packages"
    assert "embedded" in found["extras"].facts["here"]
    assert "dev" not in found["extras"].facts["here"].split(", ")


def test_a_package_that_is_missing_or_old_is_named():
    """With the version that is here, and the one that is asked for."""
    wanted = ["numpy>=1", "numpy<1", "no-such-package>=2"]

    numpy, missing = packages.unmet(Requirement(one) for one in wanted)

    assert numpy == f"numpy {np.__version__} (<1)"
    assert missing == "no-such-package"
