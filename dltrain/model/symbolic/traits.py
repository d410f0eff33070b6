"""What layers have in common, by their names in Keras: for questions that are asked without Keras."""

from __future__ import annotations

# Nothing happens in these outside of training.
DROPPING = (
    "Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
)  # fmt: skip
# They go through the steps of a sequence, and take the mask that says which of them count.
RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional")
# The same over sequences of pictures, without a mask.
RECURRENT_OVER_PICTURES = ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
# Every place of a sequence looks at every other one that a mask does not leave out.
ATTENTION = ("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention")
# They join what comes in, or begin with a state.
TAKES_SEVERAL = (*RECURRENT, *ATTENTION, "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract")
# They look at a mask that reaches them.
TAKES_MASKS = (*RECURRENT, *ATTENTION, "TimeDistributed", "GlobalAveragePooling1D", "Softmax", "BatchNormalization")
# They hand a mask on as it is.
HANDS_MASK_ON = (*DROPPING, "Activation", "Dense", "LayerNormalization", "TimeDistributed")
# A sum or a scale of their inputs: they take numbers for amounts, not for codes.
TAKES_AMOUNTS = ("Dense", "EinsumDense", "Normalization", "BatchNormalization", "LayerNormalization", "Rescaling", "Concatenate")


def is_random(layer: str) -> bool:
    """Whether it draws random numbers in training."""
    return layer in DROPPING or layer.startswith("Random")
