"""What event files hold, read by the readers of the package `tensorboard`, without TensorFlow."""

import re
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub import errors
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
from tensorboard.util.tensor_util import make_ndarray

NAME = re.compile(r"events\.out\.tfevents\.\d{10}\.[^/]+\.\d+\.\d+\.v2")


def records(path):
    """The events of a file, whose checksums are verified."""
    reader = PyRecordReader_New(str(path))
    while True:
        try:
            reader.GetNext()
        except errors.OutOfRangeError:
            return
        yield Event.FromString(reader.record())


def summaries(path):
    """The values of a file: tags, steps, plugins with their data, and arrays, in their order."""
    first, *events = records(path)
    assert first.file_version == "brain.Event:2"
    for event in events:
        (value,) = event.summary.value
        plugin = value.metadata.plugin_data
        named = (plugin.plugin_name, plugin.content)
        yield value.tag, event.step, named, make_ndarray(value.tensor)


def runs(folder):
    """For each folder under `folder` its files of events, each as its values, in their order."""
    by_run = {}
    for path in sorted(Path(folder).rglob("events*"), key=_number):
        assert NAME.fullmatch(path.name), path
        run = path.parent.relative_to(folder).as_posix()
        by_run.setdefault(run, []).append(list(summaries(path)))
    return by_run


def _number(path):
    """Where a file stands among those that its process has begun."""
    return int(path.name.split(".")[-2])
