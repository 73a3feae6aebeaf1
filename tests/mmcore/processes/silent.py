"""A worker that never answers."""

import time


def main() -> None:
    """Say nothing for a minute."""
    time.sleep(60)
