"""constraints.txt locks what development needs."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.release.conftest import ROOT

OF_THE_MACHINE = re.compile("torch")


def test_each_requirement_has_a_version_that_it_allows():
    """Of the core, the default preset and development; `make lock` writes the file anew."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    more = project["optional-dependencies"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))

    for line in [*project["dependencies"], *more["embedded"], *more["dev"]]:
        asked = Requirement(line)
        if OF_THE_MACHINE.match(name := canonicalize_name(asked.name)):
            assert name not in pins
        else:
            assert pins[name] in asked.specifier, name
