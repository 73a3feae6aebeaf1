"""Worker processes, asked and answering by lines of JSON: of decoding and of embedding."""
