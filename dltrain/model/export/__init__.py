"""A run's model with its preprocessing inside: from raw columns or pictures to labels, in the file formats of others.

The formats are a file each; begin with `raw_model.py`.
"""
