"""Files from the network, and batches that workers prepare beforehand."""

import hashlib
import queue
import random
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from minikeras import utils
from minikeras.keras2.callbacks.progbar import Progbar
from minikeras.keras2.spelling import spelled
from minikeras.training.data.py_dataset import PyDataset

__all__ = [
    "GeneratorEnqueuer",
    "OrderedEnqueuer",
    "Progbar",
    "Sequence",
    "SequenceEnqueuer",
    "get_file",
    "validate_file",
]

get_file = spelled(
    utils.get_file,
    "fname, origin, untar=False, md5_hash=None, file_hash=None, cache_subdir='datasets', "
    "hash_algorithm='auto', extract=False, archive_format='auto', cache_dir=None",
)


def _validate_file(fpath, file_hash, algorithm, chunk_size):
    """Return whether a file has a checksum.

    Args:
        fpath: its path.
        file_hash: the checksum in hexadecimal.
        algorithm: `"sha256"`, `"md5"`, or `"auto"` to tell by the length of the checksum.
        chunk_size: int, how many bytes are read at once.

    Example:
        >>> from minikeras.keras2.utils.data_utils import validate_file
        >>> with open("data.txt", "w") as file:
        ...     _ = file.write("digits")
        >>> validate_file("data.txt", "0" * 32)
        False
    """
    is_sha256 = algorithm == "sha256" or (algorithm == "auto" and len(file_hash) == 64)
    digest = hashlib.sha256() if is_sha256 else hashlib.md5()
    with open(fpath, "rb") as file:
        while chunk := file.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest() == str(file_hash)


_validate_file.__name__ = "validate_file"
validate_file = spelled(
    _validate_file,
    "fpath, file_hash, algorithm='auto', chunk_size=65535",
    keras1={"md5_hash": "file_hash"},
)


class Sequence(PyDataset):
    """Batches by number: a subclass defines `__len__` and `__getitem__`.

    `on_epoch_end` is called after each epoch.

    Example:
        >>> from minikeras.keras2.utils import Sequence
        >>> class Halves(Sequence):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, i):
        ...         return i / 2
        >>> list(Halves())
        [0.0, 0.5]
    """

    def __init__(self):
        super().__init__()


class SequenceEnqueuer:
    """The base of what lets threads prepare batches beforehand.

    Args:
        sequence: where the batches come from.
        use_multiprocessing: accepted; threads do the work in either case.

    Example:
        >>> from minikeras.keras2.utils.data_utils import SequenceEnqueuer
        >>> SequenceEnqueuer([1, 2]).is_running()
        False
    """

    def __init__(self, sequence, use_multiprocessing=False):
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self.workers = 0
        self.queue: Any = None
        self.stop_signal: Any = None
        self.run_thread: Any = None

    def is_running(self):
        """Return whether batches are being prepared."""
        return self.stop_signal is not None and not self.stop_signal.is_set()

    def start(self, workers=1, max_queue_size=10):
        """Begin to prepare batches.

        Args:
            workers: int, the number of threads.
            max_queue_size: int, how many batches wait at most.
        """
        self.workers = workers
        self.queue = queue.Queue(max_queue_size)
        self.stop_signal = threading.Event()
        self.run_thread = threading.Thread(target=self._run, daemon=True)
        self.run_thread.start()

    def stop(self, timeout=None):
        """Stop, and wait for the threads.

        Args:
            timeout: float, seconds to wait at most; None for as long as it takes.
        """
        self.stop_signal.set()
        self.run_thread.join(timeout)

    def _run(self):
        with ThreadPoolExecutor(max(1, self.workers)) as executor:
            for task in self._tasks():
                self._put(executor.submit(*task))
                if self.stop_signal.is_set():
                    return

    def _put(self, future):
        """Wait for a place in the queue, but no longer than the batches are wanted."""
        while not self.stop_signal.is_set():
            try:
                return self.queue.put(future, timeout=0.1)
            except queue.Full:
                continue

    def _tasks(self) -> Iterable[tuple[Any, ...]]:
        """Yield functions with their arguments, each of which makes a batch."""
        raise TypeError(f"{type(self).__name__} must say where batches come from.")

    def get(self):
        """Yield the batches in their order; None is left out."""
        try:
            while self.is_running():
                batch = self.queue.get().result()
                if batch is not None:
                    yield batch
        except StopIteration:
            self.stop_signal.set()
        except BaseException:
            self.stop_signal.set()
            raise


class OrderedEnqueuer(SequenceEnqueuer):
    """Prepares the batches of a `Sequence`, epoch after epoch.

    Args:
        sequence: a `Sequence`.
        use_multiprocessing: accepted; threads do the work in either case.
        shuffle: whether the order of batches is drawn again before each epoch.

    Example:
        >>> from minikeras.keras2.utils import OrderedEnqueuer, Sequence
        >>> class Squares(Sequence):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, i):
        ...         return i * i
        >>> enqueuer = OrderedEnqueuer(Squares())
        >>> enqueuer.start(workers=2)
        >>> batches = enqueuer.get()
        >>> [next(batches) for _ in range(4)]
        [0, 1, 4, 0]
        >>> enqueuer.stop()
    """

    def __init__(self, sequence, use_multiprocessing=False, shuffle=False):
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def _tasks(self):
        places = list(range(len(self.sequence)))
        while True:
            if self.shuffle:
                random.shuffle(places)
            for i in places:
                yield self.sequence.__getitem__, i
            self.sequence.on_epoch_end()


class GeneratorEnqueuer(SequenceEnqueuer):
    """Prepares what a generator yields; several threads take turns with it.

    Args:
        sequence: the generator.
        use_multiprocessing: accepted; threads do the work in either case.
        wait_time: accepted, and without effect.
        random_seed: accepted, and without effect: threads share NumPy's random numbers.

    Example:
        >>> from minikeras.keras2.utils import GeneratorEnqueuer
        >>> enqueuer = GeneratorEnqueuer(iter([1, 2]))
        >>> enqueuer.start()
        >>> list(enqueuer.get())
        [1, 2]
    """

    def __init__(self, sequence, use_multiprocessing=False, wait_time=None, random_seed=None):
        super().__init__(sequence, use_multiprocessing)
        self.random_seed = random_seed
        self._turn = threading.Lock()

    def _tasks(self):
        while True:
            yield (self._next,)

    def _next(self):
        with self._turn:
            return next(self.sequence)
