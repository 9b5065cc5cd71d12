"""The old module paths, and what they hold.

A row says of a path which names it offers and where they are defined. There is no file for a path:
`finder.py` makes the module when it is first imported, so that `minikeras.keras2.layers.core.Dense`
and, where the package stands for `keras`, `keras.layers.core.Dense` are the same object.
"""

_KERAS2 = "minikeras.keras2"
_LAYERS = f"{_KERAS2}.layers"

_APPLICATIONS = f"{_KERAS2}.applications"
# The networks of each family, and how it takes its images.
_FAMILIES = {
    "densenet": ("DenseNet121 DenseNet169 DenseNet201", "for_densenet"),
    "imagenet_utils": ("", "for_caffe"),
    "inception_resnet_v2": ("InceptionResNetV2", "for_inception_resnet_v2"),
    "mobilenet": ("MobileNet", "for_mobilenet"),
    "mobilenet_v2": ("MobileNetV2", "for_mobilenet_v2"),
    "mobilenetv2": ("MobileNetV2", "for_mobilenet_v2"),
    "nasnet": ("NASNetLarge NASNetMobile", "for_nasnet"),
    "vgg16": ("VGG16", "for_caffe"),
    "vgg19": ("VGG19", "for_caffe"),
    "xception": ("Xception", "for_xception"),
}

# path: {module where the names are defined: names separated by spaces, "*" for its public ones}.
MODULES = {
    "backend.common": {f"{_KERAS2}.backend": "*"},
    "backend.tensorflow_backend": {f"{_KERAS2}.backend": "*"},
    "engine.topology": {
        f"{_KERAS2}.engine.layer": "Layer",
        f"{_KERAS2}.engine.input_layer": "Input InputLayer",
        f"{_KERAS2}.engine.network": "Network Network=Container",
        f"{_KERAS2}.engine.model": "Model",
        f"{_LAYERS}.merge_layer": "Merge merge",
        f"{_KERAS2}.engine.base.input_spec": "InputSpec",
        f"{_KERAS2}.engine.base.nodes": "Node get_source_inputs",
        f"{_KERAS2}.hdf5_groups": "load_weights_from_hdf5_group "
        "load_weights_from_hdf5_group_by_name preprocess_weights_for_loading "
        "save_weights_to_hdf5_group",
    },
    "engine.base_layer": {
        f"{_KERAS2}.engine.layer": "Layer",
        f"{_KERAS2}.engine.base.input_spec": "InputSpec",
        f"{_KERAS2}.engine.base.nodes": "Node",
    },
    "engine.training": {
        f"{_KERAS2}.engine.model": "Model",
        f"{_KERAS2}.engine.network": "Network Network=Container",
        f"{_KERAS2}.engine.training_utils": "slice_X",
    },
    "engine.training_arrays": {},
    "engine.saving": {
        f"{_KERAS2}.saving": "load_model model_from_config model_from_json model_from_yaml "
        "pickle_model save_model unpickle_model",
        f"{_KERAS2}.hdf5_groups": "*",
        f"{_KERAS2}.utils.io_utils": "HDF5_OBJECT_HEADER_LIMIT",
    },
    "layers.core": {
        _LAYERS: "Masking Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D Activation "
        "Reshape Permute Flatten RepeatVector Lambda Dense ActivityRegularization "
        "MaxoutDense Highway TimeDistributedDense Merge merge",
    },
    "layers.convolutional": {
        _LAYERS: "Conv1D Conv2D Conv3D Conv2DTranspose Conv3DTranspose SeparableConv1D "
        "SeparableConv2D DepthwiseConv2D UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D "
        "ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D Convolution1D Convolution2D "
        "Convolution3D AtrousConvolution1D AtrousConvolution2D AtrousConv1D AtrousConv2D "
        "Deconvolution2D Deconvolution3D Deconv2D Deconv3D Convolution2DTranspose "
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
    "layers.local": {_LAYERS: "LocallyConnected1D LocallyConnected2D"},
    "layers.convolutional_recurrent": {
        _LAYERS: "ConvLSTM2D ConvLSTM2DCell ConvRNN2D ConvRecurrent2D",
    },
    "layers.cudnn_recurrent": {_LAYERS: "CuDNNGRU CuDNNLSTM"},
    "legacy.layers": {
        _LAYERS: "MaxoutDense Highway AtrousConvolution1D AtrousConvolution2D Recurrent "
        "ConvRecurrent2D",
    },
    "layers.recurrent": {
        _LAYERS: "RNN StackedRNNCells SimpleRNN SimpleRNNCell GRU GRUCell LSTM LSTMCell Recurrent "
        "time_distributed_dense time_distributed_dense=_time_distributed_dense",
    },
    "layers.embeddings": {_LAYERS: "Embedding"},
    "layers.normalization": {_LAYERS: "BatchNormalization"},
    "layers.noise": {_LAYERS: "GaussianNoise GaussianDropout AlphaDropout"},
    "layers.wrappers": {_LAYERS: "Wrapper TimeDistributed Bidirectional"},
    "layers.merge": {  # a module that is also the function it was in Keras 1
        f"{_LAYERS}.merge_layer": "merge=__call__",
        _LAYERS: "Add Subtract Multiply Average Maximum Minimum Concatenate Dot add subtract "
        "multiply average maximum minimum concatenate dot",
    },
    "layers.advanced_activations": {_LAYERS: "LeakyReLU PReLU ELU ReLU Softmax ThresholdedReLU "
        "ParametricSoftplus SReLU",
    },
    "objectives": {f"{_KERAS2}.losses": "*"},
    "utils.training_utils": {f"{_KERAS2}.utils.multi_gpu_utils": "multi_gpu_model"},
    "utils.visualize_util": {f"{_KERAS2}.utils.vis_utils": "model_to_dot plot_model=plot"},
    **{
        f"applications.{family}": {
            f"{_APPLICATIONS}.networks": networks,
            f"{_APPLICATIONS}.preprocessing": f"{preprocessing}=preprocess_input "
            "decode_predictions",
        }
        for family, (networks, preprocessing) in _FAMILIES.items()
    },
    **{
        f"datasets.{name}": {
            f"minikeras.datasets.{name}": "load_data",
            f"{_KERAS2}.utils.data_utils": "get_file",
        }
        for name in ("boston_housing", "cifar10", "cifar100", "digits", "fashion_mnist", "mnist")
    },
}
