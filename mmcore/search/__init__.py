"""The query side: opens one snapshot, turns queries into hits."""
