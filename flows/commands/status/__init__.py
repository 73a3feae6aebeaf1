"""`mmindex status`."""
