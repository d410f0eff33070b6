"""What `dltrain init` writes: a first config for data that nobody has described yet.

Nothing here is used by a fit; begin with `start.py`. Which network suits the data, and how it is trained, stands in `nets`.
"""
