"""What the data sets of texts share: the arguments of both releases, and the seed."""

import numpy as np

from minikeras.keras2.spelling import parsed, spelled

_ENCODED = "seed=113, start_char=1, oov_char=2, index_from=3, **kwargs"


def text_loader(load, path, more=""):
    """Return `load_data` of a data set as Keras 2 has it.

    It sets the seed of NumPy's global random numbers, as Keras 2's did, so that what a script draws
    afterwards is the same in each run.

    Args:
        load: the engine's `load_data`.
        path: name of the file in the cache.
        more: parameters before `seed`, such as `"test_split=0.2, "`.
    """
    parameters = f"path={path!r}, num_words=None, skip_top=0, maxlen=None, {more}{_ENCODED}"
    known = set(parsed(parameters).parameters)

    def load_data(**arguments):
        if unknown := sorted(set(arguments) - known):
            raise TypeError(f"load_data() has no arguments {unknown}.")
        np.random.seed(arguments["seed"])
        return load(**arguments)

    load_data.__doc__ = load.__doc__
    return spelled(load_data, parameters, keras1={"nb_words": "num_words"})
