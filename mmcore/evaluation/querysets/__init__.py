"""What is asked every night: queries frozen in the lake, and those that a user brings."""
