"""What every layer of Keras 2 is made of."""
