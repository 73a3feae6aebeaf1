"""`mmindex search`."""
