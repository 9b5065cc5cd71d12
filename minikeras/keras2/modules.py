"""The old module paths, and what they hold.

A row says of a path which names it offers and where they are defined. There is no file for a path:
`finder.py` makes the module when it is first imported, so that `minikeras.keras2.layers.core.Dense`
and, where the package stands for `keras`, `keras.layers.core.Dense` are the same object.
"""

_KERAS2 = "minikeras.keras2"
_LAYERS = f"{_KERAS2}.layers"

# path: {module where the names are defined: names separated by spaces, "*" for its public ones}.
MODULES = {
    "engine.topology": {
        f"{_KERAS2}.engine.layer": "Layer",
        f"{_KERAS2}.engine.input_layer": "Input InputLayer",
        f"{_KERAS2}.engine.network": "Network",
        f"{_KERAS2}.engine.model": "Model",
        "minikeras.layers": "InputSpec",
        "minikeras.utils": "get_source_inputs",
        "minikeras.autograd.symbolic": "SymbolicNode=Node",
    },
    "engine.base_layer": {
        f"{_KERAS2}.engine.layer": "Layer",
        "minikeras.layers": "InputSpec",
        "minikeras.autograd.symbolic": "SymbolicNode=Node",
    },
    "engine.training": {f"{_KERAS2}.engine.model": "Model"},
    "layers.core": {
        _LAYERS: "Masking Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D Activation "
        "Reshape Permute Flatten RepeatVector Lambda Dense ActivityRegularization",
    },
    "layers.convolutional": {
        _LAYERS: "Conv1D Conv2D Conv3D Conv2DTranspose Conv3DTranspose SeparableConv1D "
        "SeparableConv2D DepthwiseConv2D UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D "
        "ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D Convolution1D Convolution2D "
        "Convolution3D AtrousConvolution1D AtrousConvolution2D Deconvolution2D "
        "SeparableConvolution1D SeparableConvolution2D MaxPooling1D MaxPooling2D MaxPooling3D "
        "AveragePooling1D AveragePooling2D AveragePooling3D",
    },
    "layers.pooling": {
        _LAYERS: "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D "
        "AveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D "
        "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D MaxPool1D MaxPool2D "
        "MaxPool3D AvgPool1D AvgPool2D AvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D "
        "GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D",
    },
    "layers.recurrent": {
        _LAYERS: "RNN StackedRNNCells SimpleRNN SimpleRNNCell GRU GRUCell LSTM LSTMCell",
    },
    "layers.embeddings": {_LAYERS: "Embedding"},
    "layers.normalization": {_LAYERS: "BatchNormalization"},
    "layers.noise": {_LAYERS: "GaussianNoise GaussianDropout AlphaDropout"},
    "layers.wrappers": {_LAYERS: "TimeDistributed Bidirectional"},
    "layers.merge": {
        _LAYERS: "Add Subtract Multiply Average Maximum Minimum Concatenate Dot add subtract "
        "multiply average maximum minimum concatenate dot",
    },
    "layers.advanced_activations": {_LAYERS: "LeakyReLU PReLU ELU ReLU Softmax"},
    "objectives": {f"{_KERAS2}.losses": "*"},
    "initializations": {f"{_KERAS2}.initializers": "*"},
    "regularizers": {"minikeras.regularizers": "*"},
    "constraints": {"minikeras.constraints": "*"},
    "utils": {
        f"{_KERAS2}.callbacks.progbar": "Progbar",
        "minikeras.utils": "to_categorical normalize CustomObjectScope custom_object_scope "
        "get_custom_objects Sequence get_file get_source_inputs plot_model",
    },
    "utils.np_utils": {"minikeras.utils": "to_categorical normalize"},
    "utils.generic_utils": {
        f"{_KERAS2}.callbacks.progbar": "Progbar",
        "minikeras.utils": "CustomObjectScope custom_object_scope get_custom_objects",
    },
}
