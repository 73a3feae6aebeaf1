"""Prefect flows and the command line: the order of the stages; no work of their own."""
