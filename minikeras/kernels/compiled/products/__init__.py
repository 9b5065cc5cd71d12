"""Products of matrices: the register tile that convolutions share, panels, BLAS, dense layers."""
