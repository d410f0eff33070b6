"""The command line: the app, its console, and what several commands print.

The commands stand in `commands`, one a file. Nothing here is imported by the library; begin with `app.py`.
"""
