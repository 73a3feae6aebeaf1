"""Measures retrieval on held-out pairs of a lake."""
