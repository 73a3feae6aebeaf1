"""A text asked by the page, and what its answers are called."""

from __future__ import annotations

TITLES = "[...document.querySelectorAll('.answers .title')].map((one) => one.textContent)"


def ask(page, site, text):
    """Type a text into the search field and press Enter."""
    page.open(site)
    page.key("/")
    page.type(text)
    page.key("Enter")
    page.wait("document.querySelectorAll('.answers .card').length")
    page.settle()
