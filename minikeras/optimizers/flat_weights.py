"""Small weights that are changed by one call of the kernel, as parts of one flat array.

An update rule is a dozen operations on each weight; where weights are small their calls take longer
than the arithmetic. So small weights of one dtype, and their states, become views of flat arrays,
and the rule runs once over these (a multi-tensor update). Other code needs no knowledge of it: a
variable that got another array is noticed at the next step, and copied in again. Each element is
computed as it would be alone.
"""

import numpy as np

LARGEST = 1 << 14
"""Elements up to which a weight is small: to copy so long a gradient takes a microsecond or two."""

# Each weight begins at a line of the cache. Between them are ones: no rule divides by zero there.
_LINE = 64


class FlatWeights:
    """Weights of one dtype with their states, as flat arrays.

    Args:
        variables: list of weights.
        lists: lists of states, each with one for each weight.

    Example:
        >>> import numpy as np
        >>> import minikeras as keras
        >>> from minikeras.optimizers.flat_weights import FlatWeights
        >>> weights = [keras.Variable([1.0, 2.0]), keras.Variable(3.0)]
        >>> weight, gradient = FlatWeights(weights, []).arrays([np.ones(2), np.ones(())])
        >>> weight -= gradient
        >>> weights[0].numpy().tolist(), weights[1].numpy().tolist()
        ([0.0, 1.0], 2.0)
    """

    def __init__(self, variables, lists):
        dtype = variables[0].array.dtype
        places, end = [], 0
        for variable in variables:
            places.append(slice(end, end + variable.array.size))
            end += -(-variable.array.nbytes // _LINE) * _LINE // dtype.itemsize
        self.variables = variables
        self._gradient = np.ones(end, dtype)
        self._slots = [
            self._gradient[place].reshape(v.array.shape)
            for place, v in zip(places, variables, strict=True)
        ]
        self._flat = [_Flat(states, places, end) for states in (variables, *lists)]

    def arrays(self, grads):
        """Copy gradients in.

        Args:
            grads: list of arrays, one for each weight.

        Returns:
            A list of flat arrays: the weights, the gradients, and each list of states.
        """
        for slot, gradient in zip(self._slots, grads, strict=True):
            slot[...] = gradient
        weights, *states = [flat.writable() for flat in self._flat]
        return [weights, self._gradient, *states]


class _Flat:
    """An array in whose memory those of some variables lie.

    They are arrays of the memory, not views of the array: the base of a NumPy view is the array
    that was viewed first, so a view of a view would hold the flat array alone, and
    `Variable.writable`, which counts who holds the variable's own, could not see it.
    """

    def __init__(self, variables, places, size):
        self._variables, self._places, self._size = variables, places, size
        self._array = self._memory = None

    def writable(self):
        """Return the array to write into."""
        memory = self._memory
        for variable in self._variables:
            # What somebody else holds, or a view of it, `writable` leaves to them.
            if variable.writable().base is not memory or memory is None:
                return self._gathered()
        return self._array

    def _gathered(self):
        dtype = self._variables[0].array.dtype
        memory = bytearray(self._size * dtype.itemsize)
        array = np.ndarray(self._size, dtype, memory)
        array[...] = 1
        for variable, place in zip(self._variables, self._places, strict=True):
            offset, values = place.start * dtype.itemsize, variable.writable()
            own = np.ndarray(values.shape, dtype, memory, offset)
            own[...] = values
            variable.array = own
        self._array, self._memory = array, memory
        return array
