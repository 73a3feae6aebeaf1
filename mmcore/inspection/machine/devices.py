"""torch, and the devices that a run would take: each multiplies a little, as it will in a run."""

# ruff: noqa: PLC0415 (torch takes seconds to load; a torch that does not load is what is looked for)
from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.compute.device import compute_of, devices_of
from mmcore.inspection.machine.checked import Checked, Checks
from mmcore.specs import RuntimeSpec

_SIDE: Final = 64
_NEAR: Final = 0.05
"""How far a product may be off, of its own length; bfloat16 keeps 8 bits."""
_PATIENCE: Final = 5.0  # seconds
_FREE_GB: Final = 2.0


def torch() -> Checks:
    """Its version and what it was built for."""
    import torch as library

    cuda, hip = library.version.cuda, getattr(library.version, "hip", None)
    facts = {
        "version": library.__version__,
        "build": f"CUDA {cuda}" if cuda else f"ROCm {hip}" if hip else "CPU",
        "threads": library.get_num_threads(),
    }
    yield Checked("torch", "ok", "torch", facts)


def devices() -> Checks:
    """What `--device auto` would take, each tried; and a GPU that torch does not see."""
    names = devices_of("auto")
    driver = _driver()
    if not names[0].startswith("cuda") and driver:
        yield Checked("device", "warn", "device-unseen", _unseen(driver))
    for name in names:
        yield _tried(name, driver)


def _unseen(driver: str) -> dict[str, Any]:
    import torch as library

    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    return {
        "driver": driver,
        "build": library.version.cuda or "CPU",
        "hidden": "–" if hidden is None else repr(hidden),
    }


def _tried(name: str, driver: str) -> Checked:
    facts: dict[str, Any] = {"device": name}
    try:
        dtype = compute_of(RuntimeSpec(device=name)).dtype
        facts |= {"dtype": dtype, **_about(name, driver)}
        off = _off(name, dtype)
    except RuntimeError as error:  # CUDA's errors; that of a full GPU is one
        said = " ".join(str(error).split())[:200]
        return Checked("device", "fail", "device-broken", {**facts, "error": said})
    if not off < _NEAR:  # a NaN is wrong too
        return Checked("device", "fail", "device-wrong", {**facts, "off": f"{off:.2g}"})
    free = facts.get("free")
    if free is not None and free < _FREE_GB * 1e9:
        return Checked("device", "warn", "device-full", facts)
    return Checked("device", "ok", "device" if free is None else "device-gpu", facts)


def _off(name: str, dtype: str) -> float:
    """How far a matrix product on the device is from that of the CPU in float32."""
    import torch as library

    maker = library.Generator().manual_seed(0)
    one, other = (library.randn(_SIDE, _SIDE, generator=maker) for _ in range(2))
    right = one @ other
    kind = getattr(library, dtype)
    found = (one.to(name, kind) @ other.to(name, kind)).to("cpu", library.float32)
    return float((found - right).norm() / right.norm())


def _about(name: str, driver: str) -> dict[str, Any]:
    """Name, driver and memory of a GPU; of a CPU nothing."""
    if not name.startswith("cuda"):
        return {}
    import torch as library

    free, total = library.cuda.mem_get_info(name)
    return {
        "name": library.cuda.get_device_name(name),
        "driver": driver or "–",
        "free": free,
        "total": total,
    }


def _driver_loaded(told: Path = Path("/proc/driver/nvidia/version")) -> str:
    """As Linux tells it; empty where no driver is loaded."""
    try:
        found = re.search(r"\b(\d+\.[\d.]+)", told.read_text("utf-8", "replace"))
    except OSError:
        return ""
    return found[1] if found else ""


def _driver() -> str:
    """The version of NVIDIA's driver; empty where none can be found."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return _driver_loaded()
    asked = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            asked, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.split() if done.returncode == 0 else []
    return lines[0] if lines else ""
