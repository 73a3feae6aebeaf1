"""Pictures of every kind → upright RGB."""
