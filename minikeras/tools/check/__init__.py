"""Two engines compared on one model: who is right, and where they part."""
