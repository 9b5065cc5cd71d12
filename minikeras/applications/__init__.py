"""The architectures of `keras.applications`, with a file for each family."""
