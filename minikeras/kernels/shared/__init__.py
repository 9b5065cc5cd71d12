"""Kernel pieces that serve every device."""
