"""Pooling over one or two axes: maxima and means of windows, and their gradients."""
