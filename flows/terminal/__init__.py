"""How commands read what they are told, and speak to people on a terminal."""
