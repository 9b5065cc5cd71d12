"""Where text for people goes: standard output, or a logger where interactive logging is off."""

import logging
import sys

from minikeras.core import settings

logger = logging.getLogger("minikeras")


def print_message(message: object, line_break: bool = True) -> None:
    """Write a message to standard output, or to the `minikeras` logger.

    Characters that the output's encoding lacks are replaced, not refused.

    Args:
        message: any object; its text is written.
        line_break: whether a new line follows it on standard output.

    Example:
        >>> print_message("epoch done")
        epoch done
    """
    text = str(message)
    if not settings.is_interactive_logging_enabled():
        logger.info(text)
        return
    if not can_encode(text):
        encoding = sys.stdout.encoding
        text = text.encode(encoding, errors="replace").decode(encoding)
    sys.stdout.write(text + "\n" if line_break else text)
    sys.stdout.flush()


def print_notice(message: str) -> None:
    """Write to standard error what a program does without being asked, or to the logger.

    Args:
        message: a string.

    Example:
        >>> print_notice("waiting for the disk")
    """
    if settings.is_interactive_logging_enabled():
        print(f"minikeras: {message}", file=sys.stderr, flush=True)
    else:
        logger.info(message)


def can_encode(text: str) -> bool:
    """Say whether standard output has all the characters of a text.

    Args:
        text: a string.

    Returns:
        A bool.
    """
    encoding = getattr(sys.stdout, "encoding", None)
    if encoding is None:
        return True
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
