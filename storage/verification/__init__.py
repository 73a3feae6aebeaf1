"""Verification: everything that is wrong with a snapshot."""
