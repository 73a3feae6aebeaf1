"""Tests of mmcore/media/texts/markdown.py."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.media.texts.markdown import is_markdown, visible_text

PAGE = """# The *green* frog #

![a frog](frog.png "Frog") sits on a [leaf](http://pond.example/leaf_(big)).

- **Bold** and `a * b` code
- [x] done, __init__ and snake_case_name
> quoted &amp; ~~gone~~ \\*starred\\*

| Name | Sound |
|:-----|------:|
| frog | croak |

```python
x = [1](2)  # **kept**
```
<!-- not seen --> <b>seen</b> [ref][1]
***
[1]: http://pond.example
一只**青蛙**。
"""
SEEN = """The green frog

a frog sits on a leaf.

Bold and a * b code
done, init and snake_case_name
quoted & gone *starred*

Name Sound
frog croak

x = [1](2) # **kept**
seen ref
一只青蛙。"""


def test_the_rendered_words_are_kept():
    """Marks, addresses and comments go; words, alt texts and code stay."""
    lines = [" ".join(line.split()) for line in visible_text(PAGE).strip().split("\n")]

    assert "\n".join(lines) == SEEN


@pytest.mark.parametrize(
    "text",
    [
        PAGE,
        "# Title\n\n- one\n- two\n",
        "See [it](http://a.example) and **that**.",
        "```\ncode\n```\n\n## Title",
    ],
)
def test_two_kinds_of_signs_make_markdown(text):
    """One of them must be a clear one."""
    assert is_markdown(text)


@pytest.mark.parametrize(
    "text",
    [
        "A frog.",
        "# a comment\nx = handlers[name](arg)\ndef f(**kwargs, **more): pass\n",
        "- one\n- two\n",
        "Dear all,\n> quoted\nbye",
        "2 * 3 * 4 = 24 and a_b_c",
        "",
    ],
)
def test_one_kind_of_sign_proves_nothing(text):
    """Scripts, lists and mails are plain texts."""
    assert not is_markdown(text)


@given(st.text(st.sampled_from("ab *_[](){}<>!`~#|-\\\n青&;"), max_size=80))
@settings(max_examples=100, deadline=None)
def test_no_letter_outside_of_marks_is_lost(text):
    """Whatever the marks, a word between spaces that has none of them stays."""
    seen = visible_text(f"before\n\n{text}\n\nfrog")

    assert seen.startswith("before")


@pytest.mark.parametrize("mark", ["*", "_", "[", "<!--", "`", "<a ", "~~", "![", "| -", " "])
def test_a_long_run_of_marks_costs_little(mark):
    """Time is linear: 30,000 marks are read (a quadratic reader would hang the test)."""
    for before in ("", "x", "# ", "---", "|", "`"):
        assert visible_text(f"{before}{mark * 30_000}x\nend").endswith("end")
        assert is_markdown(f"{before}{mark * 30_000}x\n\n# Title\n\n**end**")


def test_a_reference_to_no_character_costs_itself():
    """However many digits it has."""
    assert visible_text(f"# Title\n\na &#{'9' * 5000}; b").endswith("a \ufffd b")
