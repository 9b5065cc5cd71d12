"""What a model does with one batch, written down call by call: forward, backward, and a step.

`tracing.trace` runs the model three times over. The run that counts watches each layer's inputs and
outputs, and what the loss's gradient is with respect to them; nothing is added to what is computed,
so its numbers are those of a run that nobody looks at, bit for bit. Then each call is run once more
alone, on the inputs that it had: that gives what a layer passes back to each of its inputs (a
tensor that several layers read gets the sum), the gradient of a shared weight call by call, the
operations that were counted, and the source of what ran. Last, a copy of the optimizer takes its
step. The model is left as it was.

What counts as one call is a layer of the package's own, whatever it does inside; models, and layers
that users write out of other layers, are gone into (`worker.recording`).
"""
