"""`mmindex maintain`."""
