"""What the architectures share: arguments, inputs, tops, files of weights, common blocks."""
