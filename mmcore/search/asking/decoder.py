"""A decoding process for files that are asked with: people pause longer than runs do."""

from __future__ import annotations

from typing import Final

from mmcore.decoding import worker

IDLE: Final = 900.0
"""Seconds without a job after which it ends by itself."""


def main() -> None:
    """Work until there is no more input."""
    worker.work(IDLE)
