"""Videos → frames, and what stands below them."""
