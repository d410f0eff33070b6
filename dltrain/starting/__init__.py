"""What `dltrain init` writes: a first config for data that nobody has described yet.

Nothing here is used by a fit; begin with `start.py`.
"""
