"""What the flows put between their tasks: checks, bounds, the gate, parts, the result."""
