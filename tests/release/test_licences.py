"""The page of licences names what mmindex stands on."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.release.conftest import ROOT

PAGE = ROOT / "docs/licences.md"
ROW = re.compile(r"^\| ([a-z0-9-]+) \| (.+) \| (.+) \|$", re.MULTILINE)


def test_the_page_names_every_dependency():
    """What pyproject.toml asks for, in the core or an extra, has a row with its licence.

    `python docs/make_licences.py` writes the page anew.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = {name: extras[name] for name in extras if name not in {"dev", "docs"}}
    told = {name: of.split(", ") for name, _, of in ROW.findall(PAGE.read_text())}

    for extra, lines in {"core": project["dependencies"], **asked}.items():
        for line in lines:
            name = canonicalize_name(Requirement(line).name)

            assert told.get(name) == ["core"] or extra in told.get(name, []), name


def test_nothing_that_runs_is_under_the_gpl():
    """No package of the page is under a licence that would reach mmindex itself."""
    for name, licence, _ in ROW.findall(PAGE.read_text()):
        assert not re.search(r"\b(A?GPL)", licence) or " OR " in licence, name
