"""Conditions in SQL on items and their files: checked, bound to columns, run apart."""
