from __future__ import annotations

import pytest

from mmcore.encoders.weights.cards import Card, write_card
from mmcore.encoders.weights.licences import licence_of, stated
from mmcore.encoders.weights.releases import UNKNOWN, Release, is_noncommercial

FREE = (
    *("apache-2.0", "Apache-2.0", "mit", "MIT", "openrail", "bigscience-openrail-m", "cc-by-4.0"),
    *(
        "CC-BY-SA-4.0",
        "BSD-3-Clause",
        "NCSA",
        "creativeml-openrail-m",
        "cc0-1.0",
        "gemma",
        UNKNOWN,
    ),
    *("llama3.1", "Academic Free License v3.0", "ms-pl", "commercial", "cc-by-sa-4.0"),
    *("AFL-3.0", "ISC", "nvidia-open-model-license", "Tencent-License", "Acme, Inc."),
)
FORBIDDEN = (
    *("cc-by-nc-4.0", "CC BY-NC 4.0", "cc-by-nc-sa-4.0", "CC-BY-NC-ND-3.0", "apple-amlr"),
    *("qwen-research", "microsoft-research-license", "nvidia non-commercial", "Noncommercial"),
    *(
        "NVIDIA Source Code License-NC",
        "PolyForm-Noncommercial-1.0.0",
        "fair-noncommercial-research",
    ),
    *("not-for-commercial-use", "academic", "Academic Use", "evaluation-only", "cc-byncsa"),
    *("personal-use-only", "no-commercial-use", "CC-BYNC-4.0", "for-research"),
    *("other-non_commercial", "academic-use-only", "stabilityai-nc-research-community"),
)


@pytest.mark.parametrize("licence", FREE)
def test_a_free_licence_is_not_taken_for_another(licence):
    """Letters inside a word are no hint."""
    assert not is_noncommercial(licence)


@pytest.mark.parametrize("licence", FORBIDDEN)
def test_a_licence_that_forbids_commercial_use_is_known(licence):
    """However it is written."""
    assert is_noncommercial(licence)


@pytest.mark.parametrize(
    ("front", "licence"),
    [
        ("license: apache-2.0", "apache-2.0"),
        ("language: zh\nlicense: 'mit'  # see LICENSE", "mit"),
        ("license: other\nlicense_name: apple-amlr", "apple-amlr"),
        ("license_name: other\nlicense: mit", "mit"),
        ("license:\n- cc-by-nc-4.0\n- mit", "cc-by-nc-4.0"),
        ("license:\n  - cc-by-4.0", "cc-by-4.0"),
        ("license: [mit, apache-2.0]", "mit"),
        ("license:\n- mit\n- cc-by-nc-4.0", "cc-by-nc-4.0"),
        ("license: [mit, 'cc-by-nc-4.0']", "cc-by-nc-4.0"),
        ("license: mit\nlicense_name: apple-amlr", "apple-amlr"),
        ("license: cc-by-nc-4.0\nlicense_name: mine", "cc-by-nc-4.0"),
        ("'license': cc-by-nc-4.0", "cc-by-nc-4.0"),
        ('"license": "cc-by-nc-4.0"', "cc-by-nc-4.0"),
        ("license: >-\n  cc-by-nc-4.0\ntags: [a]", "cc-by-nc-4.0"),
        ("license: |\n  mit # yes", "mit"),
        ("license:\n  cc-by-nc-4.0", "cc-by-nc-4.0"),
        ("license:\n# none is free\n- 'mit'", "mit"),
        ("license: # see below\n- mit", "mit"),
        ("license: null", ""),
        ("model:\n  license: mit", ""),
        ("license: other", ""),
        ("language: en", ""),
    ],
)
def test_the_front_matter_says_the_licence(tmp_path, front, licence):
    """As YAML has it: a word, a quoted one, a list, or a name beside "other"."""
    (tmp_path / "README.md").write_text(f"---\r\n{front}\n---\n# license: none\n")

    assert stated(tmp_path / "README.md") == licence


@pytest.mark.parametrize(
    "text", ["", "license: mit\n", "---\nlicense: mit\n", "# A\n---\nlicense: mit\n---\n"]
)
def test_a_readme_without_front_matter_says_none(tmp_path, text):
    """Front matter begins and ends with a line of its own, at the top."""
    (tmp_path / "README.md").write_text(text)

    assert stated(tmp_path / "README.md") == ""


def test_card_before_readme_before_release(tmp_path):
    """What says nothing is passed over, so a release's licence is not lost."""
    release = Release("hub", "owner/model", "cc-by-nc-4.0")
    assert licence_of(tmp_path, None) == UNKNOWN
    assert licence_of(tmp_path, release) == "cc-by-nc-4.0"
    write_card(tmp_path, Card(id="owner/model", licence=UNKNOWN))
    assert licence_of(tmp_path, release) == "cc-by-nc-4.0"
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    assert licence_of(tmp_path, release) == "mit"
    write_card(tmp_path, Card(id="owner/model", licence="Apache-2.0"))
    assert licence_of(tmp_path, release) == "Apache-2.0"


def test_a_licence_of_several_lines_is_one(tmp_path):
    """A card of what is trained upon it has it in its front matter, where lines are fields."""
    write_card(tmp_path, Card(id="owner/model", licence="MIT\ntags: [free]"))

    assert licence_of(tmp_path, None) == "MIT tags: [free]"
