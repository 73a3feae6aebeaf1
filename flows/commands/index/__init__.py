"""`mmindex index`, `status` and `maintain`."""
