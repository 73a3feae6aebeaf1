"""`mmindex inspect`."""
