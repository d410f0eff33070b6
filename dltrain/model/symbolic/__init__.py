"""Shapes and parameter counts of layers by arithmetic alone: what Keras would answer, without Keras.

A kind of layers a file, each with its rules; begin with `rule.py`, then `network.py`.
"""

from dltrain.model.symbolic.network import Network, Row, infer_network
from dltrain.model.symbolic.rule import Inferred, Shape, ShapeError, Weight, show_shape

__all__ = ["Inferred", "Network", "Row", "Shape", "ShapeError", "Weight", "infer_network", "show_shape"]
