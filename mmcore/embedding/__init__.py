"""Prepared shards → vectors, on every device of the machine."""
