"""`mmindex evaluate`, `history` and `compare`."""
