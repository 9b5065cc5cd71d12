"""Files of weights that were trained on ImageNet, and where they are."""

from dataclasses import dataclass

from minikeras.utils.files import get_file

_STORE = "https://storage.googleapis.com/"


@dataclass(frozen=True)
class TrainedWeights:
    """The two files of an architecture: with the classifier and without.

    Args:
        folder: str, what is before the name of a file in its address.
        files: pair of names.
        hashes: pair of MD5 or SHA-256 hashes, or of None.
        saved_as: pair of names under which the files are kept here, or None for those of `files`.
    """

    folder: str
    files: tuple[str, ...]
    hashes: tuple[str | None, ...] = (None, None)
    saved_as: tuple[str, ...] | None = None

    def path(self, include_top):
        """Return the path of one of the files here; it is downloaded if it is not there."""
        index = 0 if include_top else 1
        return get_file(
            (self.saved_as or self.files)[index],
            _STORE + self.folder + self.files[index],
            cache_subdir="models",
            file_hash=self.hashes[index],
        )


def tf_kernels(name, hashes, folder=None):
    """Return the files of an architecture that are named as most of them are.

    Args:
        name: str, what the files' names begin with.
        hashes: pair of str.
        folder: str, the family's name, or None if it is the same as `name`.
    """
    files = tuple(f"{name}_weights_tf_dim_ordering_tf_kernels{end}.h5" for end in ("", "_notop"))
    return TrainedWeights(f"tensorflow/keras-applications/{folder or name}/", files, hashes)
