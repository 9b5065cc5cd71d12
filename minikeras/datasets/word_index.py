"""The words of a data set of texts, with their indexes."""

from minikeras.saving import guard


def read_word_index(path):
    """Read a JSON object of words and their indexes.

    Args:
        path: the file.

    Returns:
        A dict from words to ints.

    Raises:
        FileError: if it is no such file.
    """
    with guard.regular_file(path) as file:
        return guard.parse_json(file.read(), path)
