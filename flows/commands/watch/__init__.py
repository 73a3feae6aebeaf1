"""`mmindex watch`."""
