"""The HTTP server: the same searches, items and files for programs and for the web page."""
