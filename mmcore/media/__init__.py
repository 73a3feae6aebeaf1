"""Files in: crawl, tell types, group, decode, segment, prepare."""
