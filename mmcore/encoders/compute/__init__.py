"""Where, how precisely and in which batches models run."""
