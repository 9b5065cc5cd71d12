"""Batch and layer normalization, forward and backward."""
