"""`mmindex encoders`."""
