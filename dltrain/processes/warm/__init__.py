"""A warm process: it has imported TensorFlow and run nothing, and each command is forked from it.

`circumstances.py` says which commands may be: those that would have begun in the same circumstances. `client.py` is what a
command does first; `server.py` is the warm process; `begin.py` makes a fork of it into the command that was asked for.
"""
