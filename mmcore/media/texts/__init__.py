"""Texts of every kind → clean chunks."""
