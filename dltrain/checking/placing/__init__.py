"""Checks of where a training is to run: `devices.py` holds `training.devices` against this machine's cards.

`several.py` says what several processes cannot train together. What a training takes in memory stands in `checking.memory`.
"""
