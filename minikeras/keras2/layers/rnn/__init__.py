"""Recurrent layers: those of the engine as Keras 2 has them, and those written step by step."""
