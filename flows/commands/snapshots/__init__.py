"""`mmindex snapshots` and `files`."""
