"""CUDA kernels: for each family the source `<family>.cu`, and beside it who launches its kernels.

A function of a `.py` file here has the name, the arguments and the results of the kernel in calls
of the array module that dispatches to it (`providers.dispatched` names the family).
"""
