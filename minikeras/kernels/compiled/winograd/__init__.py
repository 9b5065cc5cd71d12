"""Convolution with windows of three by three in fewer multiplications: `conv` has the idea."""
