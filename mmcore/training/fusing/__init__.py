"""Fit a fusion on a lake's own items, and choose it by what held-out ones say."""
