"""Segments to vectors: encoders, presets, projections."""
