"""How many filters a wider or a narrower network has."""


def multiple_of_8(filters, least_share=0.9):
    """Return the multiple of 8 nearest to a number of filters, 8 at least.

    Args:
        filters: int or float.
        least_share: float; if the multiple is less than this share of `filters`, it is the next
            one.

    Example:
        >>> from minikeras.applications.shared.widths import multiple_of_8
        >>> multiple_of_8(32 * 1.4), multiple_of_8(11), multiple_of_8(11, least_share=0)
        (48, 16, 8)
    """
    multiple = max(8, int(filters + 4) // 8 * 8)
    return multiple + 8 if multiple < least_share * filters else multiple
