"""Checks of layers each by itself: `layer_arguments.py` holds their arguments against one another; begin there.

`frozen_checks.py` says what freezing has to do with phases. Shapes are a matter of `model.symbolic`.
"""
