"""Convolution of any rank and its gradients: `conv` has the idea, and the equations."""
