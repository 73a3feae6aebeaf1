"""`mmindex serve`."""
