"""EventFile: what TensorBoard reads, written by the package `tensorboard` without TensorFlow.

A file is a series of records (a length, the data, checksums of both), each the protocol buffer
`Event`: a time, a step, and a summary of one value with its tag.
"""

import functools
import itertools
import os
import socket
import time
from types import SimpleNamespace

from minikeras.core.distribution import how_to_install

_FORMAT = "brain.Event:2"

_numbers = itertools.count()  # tells files apart that one process begins within a second


@functools.cache
def tensorboard():
    """Return what is used of the package `tensorboard`, none of which imports TensorFlow.

    Raises:
        ImportError: if the package is missing.
    """
    try:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.plugins.projector import projector_config_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter
        from tensorboard.util.tensor_util import make_tensor_proto
    except ImportError as error:
        raise ImportError(
            f"TensorBoard needs the package `tensorboard`. {how_to_install('tensorboard')}"
        ) from error
    return SimpleNamespace(
        event=event_pb2,
        summary=summary_pb2,
        projector=projector_config_pb2,
        RecordWriter=RecordWriter,
        make_tensor_proto=make_tensor_proto,
    )


class EventFile:
    """A file of events of one run, to which each call of `write` appends whole records.

    It is open only meanwhile, so that everything written before a crash can be read.

    Args:
        folder: path of the run's folder, which is made if it is missing.
    """

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        seconds, process = int(time.time()), os.getpid()
        name = f"{seconds:010d}.{socket.gethostname()}.{process}.{next(_numbers)}.v2"
        self.path = os.path.join(folder, f"events.out.tfevents.{name}")
        source = tensorboard().event.SourceMetadata(writer="minikeras")
        self._append([{"file_version": _FORMAT, "source_metadata": source}])

    def write(self, values, step):
        """Append an event for each value.

        Args:
            values: iterable of `Summary.Value`.
            step: index of the batch, of the epoch or of the optimizer's step.
        """
        summary = tensorboard().summary.Summary
        self._append({"step": step, "summary": summary(value=[value])} for value in values)

    def _append(self, events):
        board = tensorboard()
        with open(self.path, "ab") as file:
            records = board.RecordWriter(file)
            for event in events:
                event = board.event.Event(wall_time=time.time(), **event)
                records.write(event.SerializeToString())
