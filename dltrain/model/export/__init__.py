"""A run's model as one file with its preprocessing inside: raw columns or pictures in, labels or numbers out.

A format a file: `keras_file.py`, `saved_model.py`, `onnx_file.py`, `tflite_file.py`; begin with `raw_model.py`, then `format.py`.
"""
