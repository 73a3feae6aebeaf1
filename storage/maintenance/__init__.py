"""What becomes smaller, and what was damaged: garbage, compaction, mending."""
