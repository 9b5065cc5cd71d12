"""Kernels of normalization: over batches, rows and groups, and by the root of the mean square."""
