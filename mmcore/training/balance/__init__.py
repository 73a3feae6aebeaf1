"""Few, unbalanced and missing: samplers, losses, augmentation, synthetic features."""
