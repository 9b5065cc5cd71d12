"""Kernels of recurrent networks: one step and whole sequences of each cell, and what they share."""
