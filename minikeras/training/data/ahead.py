"""Calls that are made ahead of time by threads or by processes, their results in order."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.connection import wait


def computed_ahead(dataset, indices, workers, processes, most):
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
    pool, get = _processes(dataset, workers) if processes else _threads(dataset, workers)
    try:
        waiting = deque()
        for i in indices:
            waiting.append(pool.submit(get, i))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _threads(dataset, workers):
    return ThreadPoolExecutor(workers), dataset.__getitem__


def _processes(dataset, workers):
    """Processes that start as Python does by default: by a fork on Linux up to Python 3.13."""
    context = multiprocessing.get_context()
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(dataset,))
    return pool, _batch


_received = {}
"""In a worker process: the data set that it was started with."""


def _begin(dataset):
    """Begin a worker process, which ends with its parent and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _received["dataset"] = dataset
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)  # nobody is left who could ask for a batch, or be told of an error


def _batch(index):
    return _received["dataset"][index]
