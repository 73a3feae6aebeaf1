"""Erasure: what goes, what must stay for others, tombstones, and the proof."""
