"""Text read in media that are no text: in pictures (OCR) and in speech (ASR)."""
