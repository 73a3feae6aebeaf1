"""Sounds → windows of mono samples."""
