"""What a report says besides the verdict: what the numbers that were compared leave open."""


def not_finite(items):
    """Return sentences about arrays with NaN or infinity, none if all are finite.

    Args:
        items: list of `Item`s.
    """
    some = [item for item in items if item.odd]
    if not some:
        return []
    first = some[0]
    where = f"{first.key} {first.what} ({first.phase}, {first.odd:,} numbers)"
    return [
        f"{len(some)} arrays hold NaN or infinity, the first is {where}: such numbers count as "
        "the same where both engines have the same"
    ]
