"""Helper process, background thread and signals: what runs beside the command.

A process that has imported TensorFlow already stands in `warm`, workers of a sweep in `sweep.engines`; begin with `helper.py`.
"""
