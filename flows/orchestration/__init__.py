"""A Prefect server for a run, and what a run is to those who watch it from outside."""
