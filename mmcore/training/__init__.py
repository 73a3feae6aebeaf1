"""Fitting projections on a lake's own pairs."""
