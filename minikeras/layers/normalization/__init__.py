"""Batch, layer, group and root-mean-square normalization."""
