"""What the tests of foreign files share: bounds on memory and time, and damage at random."""

import contextlib
import random
import resource
import time

MOST_MEMORY = 64 << 20
MOST_SECONDS = 20


@contextlib.contextmanager
def bounded():
    """Fail if the block takes more memory or time than a small file explains."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    yield
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert taken < MOST_MEMORY, f"{taken >> 20} MiB"
    assert time.monotonic() - start < MOST_SECONDS


def flipped(content, times, seed=0):
    """The content with one to eight bytes changed, in so many ways."""
    draw = random.Random(seed)
    for _ in range(times):
        changed = bytearray(content)
        for _ in range(draw.choice([1, 1, 2, 8])):
            position = draw.randrange(len(changed))
            bit = changed[position] ^ 1 << draw.randrange(8)
            changed[position] = draw.choice([0, 255, bit, draw.randrange(256)])
        yield bytes(changed)
