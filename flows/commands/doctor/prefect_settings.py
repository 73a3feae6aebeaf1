"""Prefect's settings, as runs of ours have them: of the environment, of a profile, or broken.

Prefect makes its folder when it is imported: where there is none yet, it is given one that is
removed again.
"""

# ruff: noqa: PLC0415 (Prefect reads the environment when it is imported, and takes long)
from __future__ import annotations

import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from flows.commands.doctor.places import home
from flows.orchestration.orchestrator import set_defaults
from mmcore.inspection.machine.checked import Checked, Checks

if TYPE_CHECKING:
    from prefect.settings import Settings

_UNKNOWN: Final = re.compile(r"Setting '+(\w+)'+ is not recognized")
_BUILT_IN: Final = "ephemeral"
"""The profile that counts where nobody made one."""


def settings() -> Settings:
    """Those that runs of ours have; ValueError where Prefect cannot read them."""
    set_defaults()
    if home().is_dir():
        from prefect.settings import get_current_settings

        return get_current_settings()
    with _elsewhere():
        from prefect.settings import get_current_settings

        return get_current_settings()


def readable() -> Settings | None:
    """The same; None where they are broken, which the check ``prefect`` says."""
    try:
        return settings()
    except ValueError:
        return None


def broken(error: ValueError) -> Checked:
    """What Prefect says of settings that it cannot read."""
    said = " ".join(str(error).split()).partition(" For further information")[0]
    facts = {"error": said[:300], "place": str(home() / "profiles.toml")}
    return Checked("prefect", "fail", "prefect-settings", facts)


def profile() -> Checks:
    """The profile that counts, if somebody made it, and what it sets; nothing of a value."""
    from prefect.settings import load_profiles

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        profiles = load_profiles()
    name = os.environ.get("PREFECT_PROFILE") or profiles.active_name or _BUILT_IN
    facts = {"name": name, "place": str(home() / "profiles.toml")}
    if name not in profiles.names:
        yield Checked("prefect-profile", "warn", "prefect-profile-missing", facts)
        return
    unknown = _unknown(str(one.message) for one in told)
    if unknown:
        facts["names"] = ", ".join(unknown)
        yield Checked("prefect-profile", "warn", "prefect-profile-unknown", facts)
    names = sorted(one.name for one in profiles[name].settings)
    if names and name != _BUILT_IN:
        facts["names"] = ", ".join(names)
        yield Checked("prefect-profile", "ok", "prefect-profile", facts)


def _unknown(messages: Iterator[str]) -> list[str]:
    found = (_UNKNOWN.search(message) for message in messages)
    return sorted({one[1] for one in found if one})


@contextmanager
def _elsewhere() -> Iterator[None]:
    before = os.environ.get("PREFECT_HOME")
    with tempfile.TemporaryDirectory(prefix="mmindex-") as folder:
        os.environ["PREFECT_HOME"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["PREFECT_HOME"]
            else:
                os.environ["PREFECT_HOME"] = before
