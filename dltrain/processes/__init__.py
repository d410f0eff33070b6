"""Helper process, background thread and signals: what runs beside the command.

Workers of a sweep stand in `sweep.engines`; begin with `helper.py`.
"""
