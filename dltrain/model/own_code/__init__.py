"""A config's own code is imported here and nowhere else, and only where the person at the keyboard gave the word.

Read `importing.py`; `blame.py` turns what goes wrong in it into an error at its line.
"""
