"""What of Keras's public surface is left out or called differently on purpose, and why.

A row is a path, in which `*` stands for anything; the first row that matches gives the reason.
`parity_tests/test_api.py` fails on what is missing without a row, and on a row without a need.
"""

_NOT_BUILT = "is not built yet"
_DISTRIBUTION = "training on several machines is not built yet"
_QUANTIZATION = "quantized weights and arithmetic are not built yet"
_LORA = "low-rank adaptation of trained weights is not built yet"
_COMPLEX = "there are no tensors of complex numbers; `keras.ops.fft` takes and gives pairs"
_OTHER_BACKEND = "wraps a program of another back end: JAX, Flax, PyTorch or TensorFlow"
_STATELESS = "is for back ends that compile functions without state; here state is in variables"
_REMAT = "recomputing in the backward pass instead of saving is not built yet"
_RECORDED = "a step is recorded when it first runs (docs/numerics.md), not built beforehand"
_INNER = "is a step inside Keras's layer; users have no use of it"
_NEW = "Keras shows the parameters of `__new__`, which say nothing"
_EARLIER = "Keras takes names of earlier versions, too, without listing them"
_RANK_FIRST = "Keras's own classes give the parameter different names"

LEFT_OUT = {
    "keras.distribution*": _DISTRIBUTION,
    "keras.quantizers*": _QUANTIZATION,
    "keras.Quantizer": _QUANTIZATION,
    "keras.dtype_policies.*Quantized*": _QUANTIZATION,
    "keras.dtype_policies.AWQDTypePolicy": _QUANTIZATION,
    "keras.dtype_policies.GPTQDTypePolicy": _QUANTIZATION,
    "keras.dtype_policies.Int4DTypePolicy": _QUANTIZATION,
    "keras.dtype_policies.DTypePolicyMap": _QUANTIZATION,
    "keras.distillation*": "training a small model with a large one " + _NOT_BUILT,
    "keras.export*": "writing models for other programs " + _NOT_BUILT,
    "keras.callbacks.OrbaxCheckpoint": "needs JAX's library for checkpoints",
    "keras.RematScope": _REMAT,
    "keras.remat": _REMAT,
    "keras.StatelessScope": _STATELESS,
    "keras.SymbolicScope": _STATELESS,
    "keras.layers.FlaxLayer": _OTHER_BACKEND,
    "keras.layers.JaxLayer": _OTHER_BACKEND,
    "keras.layers.TFSMLayer": _OTHER_BACKEND,
    "keras.layers.TorchModuleWrapper": _OTHER_BACKEND,
    "keras.layers.ReversibleEmbedding": _NOT_BUILT,
    "keras.ops*.corrcoef": _NOT_BUILT,
    "keras.ops*.correlate": _NOT_BUILT,
    "keras.ops*.histogram": _NOT_BUILT,
    "keras.ops*.lu_factor": _NOT_BUILT,
    "keras.ops*.vectorize": _NOT_BUILT,
    "keras.ops*.eig": _COMPLEX,
    "keras.ops*.polar": _COMPLEX,
    "keras.ops.view_as_*": _COMPLEX,
    "keras.optimizers.Adafactor": _NOT_BUILT,
    "keras.optimizers.Lamb": _NOT_BUILT,
    "keras.optimizers.MultiOptimizer": _NOT_BUILT,
    "keras.optimizers.Muon": _NOT_BUILT,
    "keras.optimizers.OptimizerMap": _NOT_BUILT,
    "keras.optimizers.ScheduleFreeAdamW": _NOT_BUILT,
}
"""Modules and names that are not there."""

OTHER_PARAMETERS = {
    "keras.Operation": _NEW,
    "keras.Optimizer": _NEW,
    "keras.optimizers.Optimizer": _NEW,
    "keras.KerasTensor": _EARLIER,
    "keras.Variable": _DISTRIBUTION,
    "keras.layers.Dense": _LORA,
    "keras.layers.EinsumDense": _LORA,
    "keras.layers.Embedding": _LORA,
    "keras.layers.Discretization": "`trainable` and other options of all layers are taken, too",
    "keras.layers.LayerNormalization": "`rms_scaling` is hidden in Keras's `**kwargs`",
    "keras.ops*.layer_normalization": "`rms_scaling` is hidden in Keras's `**kwargs`",
    "keras.layers.SpatialDropout*": "`trainable` and other options of all layers are taken, too",
    "keras.models.clone_model": _EARLIER,
    "keras.ops.convert_to_tensor": "there are no sparse and no ragged tensors",
    "keras.ops*.multi_hot": _EARLIER,
    "keras.*.deserialize_keras_object": _EARLIER,
    "keras.preprocessing.image.smart_resize": "Keras passes itself the back end to compute with",
}
"""Functions and classes with other parameters."""

OTHER_BASES = {
    "keras.layers.AdditiveAttention is no keras.layers.Attention": "both have a base of their own",
    "keras.layers.SpatialDropout?D is no keras.layers.Dropout": "both have a base of their own",
}
"""Classes that are not derived from another as Keras's are."""

OTHER_METHODS = {
    "*.quantize*": _QUANTIZATION,
    "Model.get_quantization_layer_structure": _QUANTIZATION,
    "*.enable_lora": _LORA,
    "*.rematerialized_call": _REMAT,
    "*.stateless_*": _STATELESS,
    "*.inner_loop": _INNER,
    "AUC.interpolate_pr_auc": _INNER,
    "BaseConv.convolution_op": _INNER,
    "DTypePolicy.convert_input": _INNER,
    "DataLayer.convert_weight": "is for layers that compute with a second back end",
    "*.get_clipped_bbox": _INNER,
    "*.get_shifted_bbox": _INNER,
    "*.get_transformed_x_y": _INNER,
    "RandomCrop.compute_output_shape": "Keras takes arguments there that it does not use",
    "RandomGrayscale.transform_*": _RANK_FIRST,
    "LossScaleOptimizer.check_finite": _INNER,
    "Operation.get_config": "of a user's own operation: only layers are saved in a model",
    "Operation.from_config": "of a user's own operation: only layers are saved in a model",
    "KerasTensor.reshape": "`keras.ops.reshape` is the public one",
    "KerasTensor.squeeze": "`keras.ops.squeeze` is the public one",
    "Layer.add_metric": "an error in Keras, too: metrics are attributes",
    "Layer.add_weight": _EARLIER,
    "Model.export": "writing models for other programs " + _NOT_BUILT,
    "TensorFlowTrainer.compiled_loss": "is named `compute_loss` since Keras 3",
    "TensorFlowTrainer.loss": "is the loss that `compile` was given",
    "TensorFlowTrainer.make_*_function": _RECORDED,
    "BaseOptimizer.add_variable": _DISTRIBUTION,
    "*.build": _RANK_FIRST,
    "*.update_step": _RANK_FIRST,
    "*.compute_mask": _RANK_FIRST,
    "*.from_config": "objects of a user's own are found by `keras.saving.custom_object_scope`",
}
"""Methods that are missing or cannot be called in every way, by the class that defines them."""
