"""A preset's own weights, tuned on pairs."""
