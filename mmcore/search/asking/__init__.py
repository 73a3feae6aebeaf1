"""What people and programs ask with → what a search takes: typed texts, names of items, files."""
