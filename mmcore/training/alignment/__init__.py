"""Frozen encoders led into one space: closed forms, then networks; the held-out result decides."""
