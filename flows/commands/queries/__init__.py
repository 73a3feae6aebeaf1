"""`mmindex queries`."""
