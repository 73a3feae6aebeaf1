"""The three-tower model: a CNN for pictures, a GRU for words, a Conv1d network for sounds."""
