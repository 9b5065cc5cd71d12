"""Random draws, and where their seeds come from; the functions are those of `keras.random`."""
