"""`mmindex forget`."""
