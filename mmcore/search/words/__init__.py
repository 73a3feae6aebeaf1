"""The lexical side of a search: words, and how well they match."""
