"""What a training runs on, before it runs: `devices.py` holds `training.devices` against this machine's cards.

`several.py` says what several processes cannot train together.
"""
