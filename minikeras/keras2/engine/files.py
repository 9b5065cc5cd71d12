"""The methods of a model that write it to a file or a text, and read weights."""

from typing import Any

from minikeras.keras2 import hdf5_groups, saving


class Files:
    """The part of Model that deals with files."""

    layers: list[Any]

    def __reduce__(self):
        """Pickle and copy the model as it would be saved."""
        return saving.unpickle_model, (saving.pickle_model(self),)

    def save(self, filepath, overwrite=True, include_optimizer=True):
        """Write the model to an HDF5 file.

        Args:
            filepath: path of the file.
            overwrite: whether a file that exists is replaced without a question.
            include_optimizer: whether it is written how the model was compiled, and the state of
                its optimizer.
        """
        saving.save_model(self, filepath, overwrite, include_optimizer)

    def save_weights(self, filepath, overwrite=True):
        """Write the weights to an HDF5 file.

        Args:
            filepath: path of the file.
            overwrite: whether a file that exists is replaced without a question.
        """
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath, by_name=False, skip_mismatch=False, reshape=False):
        """Read the weights of an HDF5 file: all of them, or none.

        Args:
            filepath: path of a file of weights or of a whole model.
            by_name: whether layers are found by their names rather than in order.
            skip_mismatch: whether layers that do not fit are left as they are, with a warning.
            reshape: accepted.
        """
        saving.load_weights_into(self, filepath, by_name, skip_mismatch)

    def save_weights_to_hdf5_group(self, f):
        """Write the weights into a group of an HDF5 file.

        Args:
            f: the group, or the file.
        """
        hdf5_groups.save_weights_to_hdf5_group(f, self.layers)

    def load_weights_from_hdf5_group(self, f):
        """Read the weights in a group of an HDF5 file, in the order of the layers.

        Args:
            f: the group, or the file.
        """
        hdf5_groups.load_weights_from_hdf5_group(f, self.layers)

    def load_weights_from_hdf5_group_by_name(self, f):
        """Read the weights in a group of an HDF5 file into the layers of the same names.

        Args:
            f: the group, or the file.
        """
        hdf5_groups.load_weights_from_hdf5_group_by_name(f, self.layers)

    def to_json(self, **kwargs):
        """Return the model's config as JSON.

        Args:
            **kwargs: passed on to `json.dumps`.
        """
        return saving.model_to_json(self, **kwargs)

    def to_yaml(self, **kwargs):
        """Return the model's config as YAML.

        Args:
            **kwargs: passed on to PyYAML.
        """
        return saving.model_to_yaml(self, **kwargs)
