"""Attention: queries, keys and values."""
