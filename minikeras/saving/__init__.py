"""Models and weights in files: written whole or not at all, and read without trust."""
