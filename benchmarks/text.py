"""Text on one core: TextVectorization and StringLookup here and in Keras on TensorFlow.

Both engines turn the same million words into integers, in turns and in one process; what counts is
the ratio. Run with `python benchmarks/text.py`; TensorFlow and Keras are needed.
"""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import minikeras

WORDS, VOCABULARY, LENGTH, ROUNDS = 1_000_000, 20_000, 100, 5


def texts():
    """Documents of `LENGTH` words each, which are as frequent as in natural language."""
    rng = np.random.default_rng(0)
    ranks = rng.zipf(1.2, WORDS) % (2 * VOCABULARY)
    words = np.array([f"Word{i}," if i % 7 == 0 else f"word{i}" for i in range(2 * VOCABULARY)])
    return words[ranks].reshape(-1, LENGTH)


def jobs(engine, tokens, documents):
    """Name and function of each job, with what it takes ready."""
    lookup = engine.layers.StringLookup(max_tokens=VOCABULARY)
    lookup.adapt(tokens)
    text = engine.layers.TextVectorization(max_tokens=VOCABULARY, output_sequence_length=LENGTH)
    text.adapt(documents)
    tensors = engine.ops.convert_to_tensor(tokens)
    return {
        "StringLookup of an array": lambda: lookup(tokens),
        "StringLookup of a tensor": lambda: lookup(tensors),
        "StringLookup adapts": lambda: engine.layers.StringLookup().adapt(tokens),
        "TextVectorization of a list": lambda: text(documents),
        "TextVectorization adapts": lambda: engine.layers.TextVectorization().adapt(documents),
    }


def seconds(job):
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def main():
    """Print the least time of each job in both engines, and how many times faster we are."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tokens = texts()
    documents = [" ".join(row) for row in tokens]
    ours, theirs = (jobs(engine, tokens, documents) for engine in (minikeras, keras))
    for name in ours:
        results = [engine[name]() for engine in (ours, theirs)]
        if "adapts" not in name:
            np.testing.assert_array_equal(*(y.numpy() for y in results))
        times = [(seconds(ours[name]), seconds(theirs[name])) for _ in range(ROUNDS)]
        here, there = np.min(times, axis=0)
        print(f"{name:30} {here:.3f} s, Keras {there:.3f} s: {there / here:.2f} times as fast")


if __name__ == "__main__":
    main()
