"""Sequences of numbers, as Keras 2 prepares them."""

from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import spelled_class
from minikeras.preprocessing import sequence as engine
from minikeras.preprocessing.sequence import make_sampling_table, pad_sequences, skipgrams

__getattr__ = elsewhere(__name__)

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]

TimeseriesGenerator = spelled_class(
    engine.TimeseriesGenerator,
    "data, targets, length, sampling_rate=1, stride=1, start_index=0, end_index=None, "
    "shuffle=False, reverse=False, batch_size=128",
)
