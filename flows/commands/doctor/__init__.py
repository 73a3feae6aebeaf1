"""What `mmindex doctor` does: look at this machine, at Prefect and at a lake; change nothing."""
