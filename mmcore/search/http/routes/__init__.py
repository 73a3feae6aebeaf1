"""What is asked by which path, and what comes back."""
