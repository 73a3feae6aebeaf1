"""What an item has, fused into one vector."""
