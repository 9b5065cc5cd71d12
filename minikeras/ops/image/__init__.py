"""Ops on images: resizing, geometric transformations, colours, filters."""
