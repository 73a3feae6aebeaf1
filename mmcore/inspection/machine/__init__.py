"""What `mmindex doctor` looks at on this machine: nothing is changed, and each look is short."""
