"""What the package is called where it is installed from: another name than it is imported by."""

NAME = "minikeras-engine"
VERSION = "0.1.0"

WHEEL = f"{NAME.replace('-', '_')}-{VERSION}-py3-none-any.whl"


def how_to_install(extra: str) -> str:
    """Return the sentence that says how to install an optional part.

    Args:
        extra: name of an extra of `pyproject.toml`.

    Example:
        >>> how_to_install("gpu").split(": ")[0]
        'Install the extra `gpu`'
    """
    return (
        f"Install the extra `{extra}`: `pip install '.[{extra}]'` in a clone of minikeras, "
        f"`pip install '{WHEEL}[{extra}]'` with its wheel."
    )
