"""Arguments of components by the names that they have in other libraries and in older Keras."""

from __future__ import annotations

from collections.abc import Mapping

from dltrain.config.catalog.catalog import ComponentEntry
from dltrain.config.old_words.spread import spread
from dltrain.wording import normalize

# Arguments of layers and optimizers by their names elsewhere -> the names of today, likeliest first.
KNOWN_ARGUMENTS: Mapping[str, tuple[str, ...]] = spread(
    {
        ("learning_rate", "initial_learning_rate"): "lr lr0 learningrateinit eta eta0 stepsize",
        ("initial_learning_rate", "learning_rate"): "initiallr",
        ("rate",): "dropout p droprate dropoutrate prob probability",
        ("negative_slope", "rho"): "alpha",
        ("filters", "units"): "nbfilter nbfilters nbkernel numfilters nfilters outchannels numoutputs outchannel channels",
        ("kernel_size", "pool_size"): "nbrow nbcol filterlength kernel filtersize ksize kernelshape",
        ("pool_size",): "poollength poolingsize windowsize",
        ("strides",): "subsample subsamplelength stride",
        ("padding",): "bordermode pad",
        ("dilation_rate",): "dilation atrousrate",
        ("data_format",): "dimordering",
        ("units", "output_dim"): "outputdim",
        ("units", "output_dim", "filters"): (
            "neurons nodes hidden numunits nunits nbunits hiddensize hiddenunits hiddendim statesize"
        ),
        ("units", "output_size"): "outfeatures outputsize outsize fcsize numneurons",
        ("units", "size", "pool_size", "kernel_size"): "size",
        ("size",): "scalefactor",
        ("target_shape",): "shape",
        ("input_dim",): "vocabsize numembeddings vocabularysize numwords maxfeatures",
        ("output_dim", "units", "axis"): "embeddingdim embeddingsize embedsize embeddim dim",
        ("num_heads",): "heads nhead nheads",
        ("activation",): "act nonlinearity activationfn",
        ("kernel_initializer", "embeddings_initializer"): "init",
        ("kernel_initializer",): "weightinit weightsinitializer",
        ("recurrent_initializer",): "innerinit",
        ("recurrent_activation",): "inneractivation",
        ("kernel_regularizer", "embeddings_regularizer"): "wregularizer regularizer kernelreg",
        ("l2", "kernel_regularizer"): "l2 l2reg l2regularization",
        ("l1", "kernel_regularizer"): "l1 l1reg",
        ("l2", "l1"): "l",
        ("max_value",): "m",
        ("bias_regularizer",): "bregularizer",
        ("recurrent_regularizer",): "uregularizer",
        ("kernel_constraint", "embeddings_constraint"): "wconstraint",
        ("bias_constraint",): "bconstraint",
        ("use_bias",): "bias",
        ("dropout",): "dropoutw",
        ("recurrent_dropout",): "dropoutu",
        ("epsilon",): "epsilonnorm eps",
        ("epsilon", "min_delta"): "epsilon",
        ("beta_1",): "beta1 betas",
        ("beta_2",): "beta2",
        ("rho", "beta_1"): "rho",
        ("decay_rate",): "gamma",
        ("decay_steps",): "tmax",
        ("alpha", "end_learning_rate"): "etamin",
        ("boundaries",): "milestones",
        ("return_sequences",): "returnsequence",
        ("factor",): "degrees",
        ("height_factor",): "zoom",
        ("mode",): "direction",
    }
)

# Arguments of elsewhere that say what follows from the data, or what Keras does not have -> why they are left out.
_SHAPE = "the shape of the input follows from the data"
LEFT_OUT: Mapping[str, str] = spread(
    {
        _SHAPE: (
            "inputshape inputdim batchinputshape batchshape inchannels infeatures inputsize inputlength numfeatures "
            "normalizedshape batchsize inputtensor"
        ),
        "a network stands without its top, and the output layer follows": "includetop",
        "the output layer follows from the task": "classes",
        "the optimizer changes all weights that are trainable": "params",
        "a row's numbers are flattened, never the rows": "startdim",
        "Keras has no such choice": "inplace paddingmode dampening sampleratemode",
        "the rows always come first": "batchfirst",
        "Keras chooses by itself": "consumeless implementation",
        "how much is shown is said on the command line: -q, -v or -vv": "verbose",
        "write one layer below the other": "numlayers",
        "write Bidirectional: {layer: …}": "bidirectional",
        "write BatchNormalization as a layer of its own": "batchnorm",
        "write `weights: imagenet`": "pretrained",
        "write `trainable: false`": "freeze frozen",
        "the loss is the mean over the rows": "reduction sizeaverage",
    }
)

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
