"""A request → what is asked for it: which indexes and words, and what of them may be found."""
