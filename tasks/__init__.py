"""Prefect tasks: one call into mmcore, one into storage, and the policy around them."""
