"""Where the files of a lake lie, on disk or in an object store; how one is read and written."""
