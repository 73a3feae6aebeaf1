"""What is shown of what was found: files, spans and texts, small pictures, waveforms."""
