"""Whole-model and weight files in HDF5, JSON and YAML as Keras 1, Keras 2 and tf-keras wrote them.

`graphs`, `layer_configs`, `op_nodes` and `compiling` turn old configs into today's form; `arrays`,
`weights` and `training` bring the arrays of a file into a model; `whole`, `archives` and `texts`
read files and text. `old_forms` and `writing` go the other way.
"""
