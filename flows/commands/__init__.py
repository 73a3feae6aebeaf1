"""The commands of `mmindex`, a folder each: arguments, what it does, how that looks."""
