"""Files that go out, whole, small or drawn, and files that come in."""
