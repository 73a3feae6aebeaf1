"""Learned fusions fitted on a lake's own items."""
