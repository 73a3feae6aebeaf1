"""What people and programs read of an evaluation: JSON, a page, run files."""
