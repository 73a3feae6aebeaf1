"""`mmindex models` and `train`."""
