"""A snapshot that is open: its indexes and rows, each read once, and what is nearest in them."""
