"""What comes and goes, without building an index afresh."""
