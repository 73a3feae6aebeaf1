"""One module a family of models: its preset, its encoders, and how it is loaded."""
