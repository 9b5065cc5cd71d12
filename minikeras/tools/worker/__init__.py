"""A process that runs a model in one engine and writes down what its layers do.

It is started with the Python of any environment, in which minikeras need not be installed: its
files use the standard library and NumPy alone, and the syntax of Python 3.7. `engines` says how
each Keras is spoken to, `recording` sees the calls of layers, `models` loads, `phases` runs,
`serving` answers the requests of the process that started this one.
"""
