"""Calls that are made ahead of time by threads or by processes, their results in order."""

import os
import signal
import threading
from collections import deque
from concurrent import futures


def computed_ahead(function, arguments, workers, count, waiting=None):
    """Yield `function(argument)` for each argument, of which some are computed ahead by threads.

    Args:
        function: what to compute; several threads call it at once.
        arguments: iterable of its arguments, from which the calling thread takes one after the
            other.
        workers: number of threads.
        count: how many results there are at most before the first of them is taken.
        waiting: an empty deque, which is to hold the futures of the results that are not taken yet.

    Yields:
        The results, in the order of the arguments.

    Example:
        >>> list(computed_ahead(abs, [-1, 2, -3], workers=2, count=2))
        [1, 2, 3]
    """
    waiting = deque() if waiting is None else waiting
    return _results(futures.ThreadPoolExecutor(workers), function, arguments, count, waiting)


def batches_ahead(dataset, indices, workers, processes, most):
    """Yield `dataset[i]` for each index, in order, computed by workers before it is asked for.

    An exception of a worker is raised here; that of a process has the traceback there as its
    cause. Whoever stops in the middle waits for the batches that are being computed, and no thread
    or process is left.

    Args:
        dataset: what is indexed; each process receives it once, when it starts.
        indices: iterable of indices, perhaps without an end.
        workers: number of threads or processes.
        processes: whether workers are processes.
        most: how many batches are computed ahead at most.

    Yields:
        One batch for each index.
    """
    if processes:
        return _results(_processes(dataset, workers), _batch, indices, most + 1, deque())
    return computed_ahead(dataset.__getitem__, indices, workers, most + 1)


def _results(pool, function, arguments, count, waiting):
    try:
        for argument in arguments:
            waiting.append(pool.submit(function, argument))
            if len(waiting) >= count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # whoever stops in the middle does not wait for what was to be computed ahead
        pool.shutdown(cancel_futures=True)


def _processes(dataset, workers):
    """Processes that start as Python does by default: by a fork on Linux up to Python 3.13."""
    return futures.ProcessPoolExecutor(workers, initializer=_begin, initargs=(dataset,))


_received = {}
"""In a worker process: the data set that it was started with."""


def _begin(dataset):
    """Begin a worker process, which ends with its parent and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _received["dataset"] = dataset
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # nobody is left who could ask for a batch, or be told of an error


def _batch(index):
    return _received["dataset"][index]
