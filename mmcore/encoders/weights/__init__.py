"""Weights: where they lie, what they may be used for, and the one place that opens them."""
