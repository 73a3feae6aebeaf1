"""Several lists of answers as one: comparable scores, blending, variety."""
