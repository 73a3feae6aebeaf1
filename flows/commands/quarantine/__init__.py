"""`mmindex quarantine`."""
