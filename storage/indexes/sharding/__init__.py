"""Parts of an index that are filled apart, and merged."""
