"""Data: read by a source, split into parts, preprocessed by statistics of the training part. Never imports Keras."""

from dltrain.data.dataset import Dataset, InputSpec, Part, Schema, TargetSpec
from dltrain.data.load import load_dataset, read_part
from dltrain.data.preprocessing import Preprocessing

__all__ = ["Dataset", "InputSpec", "Part", "Preprocessing", "Schema", "TargetSpec", "load_dataset", "read_part"]
