"""Forgetting items, and letting them in again. Loads no Prefect."""
