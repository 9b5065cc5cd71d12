"""Layers that give tensors other shapes."""
