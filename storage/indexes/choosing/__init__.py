"""Building an index: the kinds there are, and which one reaches a recall on real queries."""
