"""Kernels: pure functions of arrays and static attributes that know nothing of tensors."""
