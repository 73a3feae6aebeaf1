"""Where shards are decoded and embedded: threads, processes, a cluster, GPUs."""
