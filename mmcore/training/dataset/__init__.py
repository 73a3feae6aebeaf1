"""What is learnt from: rows and pairs of a lake, media as examples; nothing else reads tables."""
