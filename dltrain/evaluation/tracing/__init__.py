"""One training step in numbers: what `dltrain trace` shows.

The arithmetic itself stands in `model.numbers`; begin with `trace.py`.
"""
