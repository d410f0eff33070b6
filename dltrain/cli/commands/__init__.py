"""One file a command: it parses its words, calls the library and prints what came back.

What several commands print stands a room above; begin with `fit.py`.
"""
