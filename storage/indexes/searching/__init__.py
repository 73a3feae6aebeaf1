"""Searching an index: codes, refinement by exact vectors, filters, tombstones, soundness."""
