"""What a data set has counted or drawn, so that another process can go on from there.

A data set that has such a state tells it by `state_dict()`, and takes it by
`load_state_dict(state)`: the names that loaders of PyTorch have for it.
"""


def state_of(dataset):
    """Return the state of a data set, plain values and arrays; None if it can't tell one."""
    tell = getattr(dataset, "state_dict", None)
    return None if tell is None else tell()


def load_state(dataset, state):
    """Give a data set a state back.

    Args:
        dataset: a data set that can tell its state.
        state: what `state_of` returned.

    Returns:
        Whether its next pass is another than one begun before.

    Raises:
        ValueError: if it is the state of something else.
    """
    if not hasattr(dataset, "load_state_dict"):
        raise ValueError(
            "Expected a data set with `load_state_dict`, as that of the run that is to be resumed, "
            f"but received one of type {type(dataset).__name__}. Pass the same data."
        )
    try:
        return dataset.load_state_dict(state) is not False
    except (TypeError, LookupError, AttributeError) as error:
        raise ValueError(f"{type(dataset).__name__} can't take the state {state!r:.200}") from error
