"""Arguments of components by the names that they have in other libraries and in older Keras."""

from __future__ import annotations

from collections.abc import Mapping

from dltrain.config.catalog.catalog import ComponentEntry
from dltrain.wording import normalize

# Arguments of layers and optimizers by their names elsewhere -> the names of today, likeliest first.
KNOWN_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("lr", "lr0", "learningrateinit", "eta", "eta0", "stepsize"), ("learning_rate", "initial_learning_rate")),
    "initiallr": ("initial_learning_rate", "learning_rate"),
    **dict.fromkeys(("dropout", "p", "droprate", "dropoutrate", "prob", "probability"), ("rate",)),
    "alpha": ("negative_slope", "rho"),
    **dict.fromkeys(
        ("nbfilter", "nbfilters", "nbkernel", "numfilters", "nfilters", "outchannels", "numoutputs", "outchannel", "channels"),
        ("filters", "units"),
    ),
    **dict.fromkeys(
        ("nbrow", "nbcol", "filterlength", "kernel", "filtersize", "ksize", "kernelshape"), ("kernel_size", "pool_size")
    ),
    **dict.fromkeys(("poollength", "poolingsize", "windowsize"), ("pool_size",)),
    **dict.fromkeys(("subsample", "subsamplelength", "stride"), ("strides",)),
    "bordermode": ("padding",),
    "pad": ("padding",),
    "dilation": ("dilation_rate",),
    "atrousrate": ("dilation_rate",),
    "dimordering": ("data_format",),
    "outputdim": ("units", "output_dim"),
    **dict.fromkeys(
        ("neurons", "nodes", "hidden", "numunits", "nunits", "nbunits", "hiddensize", "hiddenunits", "hiddendim", "statesize"),
        ("units", "output_dim", "filters"),
    ),
    **dict.fromkeys(("outfeatures", "outputsize", "outsize", "fcsize", "numneurons"), ("units", "output_size")),
    "size": ("units", "size", "pool_size", "kernel_size"),
    "scalefactor": ("size",),
    "shape": ("target_shape",),
    **dict.fromkeys(("vocabsize", "numembeddings", "vocabularysize", "numwords", "maxfeatures"), ("input_dim",)),
    **dict.fromkeys(("embeddingdim", "embeddingsize", "embedsize", "embeddim", "dim"), ("output_dim", "units", "axis")),
    "heads": ("num_heads",),
    "nhead": ("num_heads",),
    "nheads": ("num_heads",),
    "act": ("activation",),
    "nonlinearity": ("activation",),
    "activationfn": ("activation",),
    "init": ("kernel_initializer", "embeddings_initializer"),
    "weightinit": ("kernel_initializer",),
    "weightsinitializer": ("kernel_initializer",),
    "innerinit": ("recurrent_initializer",),
    "inneractivation": ("recurrent_activation",),
    **dict.fromkeys(("wregularizer", "regularizer", "kernelreg"), ("kernel_regularizer", "embeddings_regularizer")),
    **dict.fromkeys(("l2", "l2reg", "l2regularization"), ("l2", "kernel_regularizer")),
    **dict.fromkeys(("l1", "l1reg"), ("l1", "kernel_regularizer")),
    "l": ("l2", "l1"),
    "m": ("max_value",),
    "bregularizer": ("bias_regularizer",),
    "uregularizer": ("recurrent_regularizer",),
    "wconstraint": ("kernel_constraint", "embeddings_constraint"),
    "bconstraint": ("bias_constraint",),
    "bias": ("use_bias",),
    "dropoutw": ("dropout",),
    "dropoutu": ("recurrent_dropout",),
    "epsilonnorm": ("epsilon",),
    "epsilon": ("epsilon", "min_delta"),
    "eps": ("epsilon",),
    "beta1": ("beta_1",),
    "beta2": ("beta_2",),
    "betas": ("beta_1",),
    "rho": ("rho", "beta_1"),
    "gamma": ("decay_rate",),
    "tmax": ("decay_steps",),
    "etamin": ("alpha", "end_learning_rate"),
    "milestones": ("boundaries",),
    "returnsequence": ("return_sequences",),
    "degrees": ("factor",),
    "zoom": ("height_factor",),
    "direction": ("mode",),
}

# Arguments of elsewhere that say what follows from the data, or what Keras does not have -> why they are left out.
_SHAPE = "the shape of the input follows from the data"
LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(
        ("inputshape", "inputdim", "batchinputshape", "batchshape", "inchannels", "infeatures", "inputsize", "inputlength"),
        _SHAPE,
    ),
    **dict.fromkeys(("numfeatures", "normalizedshape", "batchsize"), _SHAPE),
    "includetop": "a network stands without its top, and the output layer follows",
    "inputtensor": _SHAPE,
    "classes": "the output layer follows from the task",
    "params": "the optimizer changes all weights that are trainable",
    "startdim": "a row's numbers are flattened, never the rows",
    "inplace": "Keras has no such choice",
    "batchfirst": "the rows always come first",
    "paddingmode": "Keras has no such choice",
    "dampening": "Keras has no such choice",
    "consumeless": "Keras chooses by itself",
    "sampleratemode": "Keras has no such choice",
    "implementation": "Keras chooses by itself",
    "verbose": "how much is shown is said on the command line: -q, -v or -vv",
    "numlayers": "write one layer below the other",
    "bidirectional": "write Bidirectional: {layer: …}",
    "batchnorm": "write BatchNormalization as a layer of its own",
    "pretrained": "write `weights: imagenet`",
    "freeze": "write `trainable: false`",
    "frozen": "write `trainable: false`",
    "reduction": "the loss is the mean over the rows",
    "sizeaverage": "the loss is the mean over the rows",
}

# PyTorch's layers -> their arguments in order; the names are then those of `KNOWN_ARGUMENTS` and `LEFT_OUT`.
POSITIONS: Mapping[str, tuple[str, ...]] = {
    "linear": ("in_features", "out_features", "bias"),
    "lazylinear": ("out_features", "bias"),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), ("in_channels", "out_channels", "kernel_size", "stride", "padding")),
    **dict.fromkeys(
        ("convtranspose1d", "convtranspose2d", "convtranspose3d"),
        ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
    ),
    **dict.fromkeys(("lstm", "gru", "rnn"), ("input_size", "hidden_size", "num_layers")),
    **dict.fromkeys(("batchnorm1d", "batchnorm2d", "batchnorm3d"), ("num_features", "eps")),
    "layernorm": ("normalized_shape", "eps"),
    "softmax": ("dim",),
    "flatten": ("start_dim",),
    "upsample": ("size", "scale_factor"),
    "multiheadattention": ("key_dim", "num_heads"),
}


def argument_of_today(entry: ComponentEntry, name: str) -> str | None:
    """The argument of a component that an older name stands for, or None."""
    return next((now for now in KNOWN_ARGUMENTS.get(normalize(name), ()) if now in entry.arguments), None)
