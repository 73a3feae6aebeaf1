"""What a file is, by its first bytes: one module for each family of formats."""
